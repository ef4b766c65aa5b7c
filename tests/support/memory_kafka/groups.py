"""The coordinator of consumer groups: members, generations, rebalances, committed offsets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from aiokafka.errors import (
    IllegalGenerationError,
    InconsistentGroupProtocolError,
    MemberIdRequired,
    NonEmptyGroup,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from tests.support.memory_kafka.transactions import OK, Later, Offsets

EMPTY: Final = "Empty"
JOINING: Final = "PreparingRebalance"
SYNCING: Final = "CompletingRebalance"
STABLE: Final = "Stable"
DEAD: Final = "Dead"


@dataclass(frozen=True)
class Joined:
    """The answer to a member that asked to join."""

    code: int
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    member_id: str = ""
    members: Sequence[tuple[str, str | None, bytes]] = ()
    """For the leader: member id, instance id and metadata of every member."""


@dataclass
class Member:
    """A member of a group."""

    id: str
    client_id: str
    session_timeout: float
    rebalance_timeout: float
    protocols: list[tuple[str, bytes]]
    later: Later
    assignment: bytes = b""
    joined: Callable[[Joined], None] | None = None
    """Answers its request to join, while that waits for the others."""
    synced: Callable[[int, bytes], None] | None = None
    """Answers its request for the assignment, while that waits for the leader."""
    cancel_expiry: Callable[[], None] | None = None


@dataclass
class Group:
    """A consumer group. Offsets outlive its members."""

    id: str
    offsets: Offsets = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    announced: set[str] = field(default_factory=set)
    """Member ids that were given out and have not joined yet."""
    state: str = EMPTY
    generation: int = 0
    protocol: str = ""
    protocol_type: str = ""
    leader: str = ""
    cancel_rebalance: Callable[[], None] | None = None

    def join(self, member: Member, answer: Callable[[Joined], None]) -> None:
        """Let a member join, or join again. The answer comes when all members have."""
        if not member.id:
            name = f"{member.client_id}-{uuid4()}"
            self.announced.add(name)
            answer(Joined(MemberIdRequired.errno, member_id=name))
            return
        known = self.members.get(member.id)
        if known is None and member.id not in self.announced:
            answer(Joined(UnknownMemberIdError.errno, member_id=member.id))
            return
        if self.members and not self._common(member):
            answer(Joined(InconsistentGroupProtocolError.errno, member_id=member.id))
            return
        self.announced.discard(member.id)
        if known is None:
            self.members[member.id] = member
        else:
            unchanged = known.protocols == member.protocols
            if unchanged and (self.state == SYNCING or (self.state == STABLE and member.id != self.leader)):
                self._alive(known)
                answer(self._answer_for(known))
                return
            known.protocols, known.rebalance_timeout = member.protocols, member.rebalance_timeout
            known.later = member.later
            member = known
        member.joined = answer
        self._rest(member)
        if not self.leader:
            self.leader = member.id
        if self.state != JOINING:
            self._prepare_rebalance()
        self._try_complete()

    def sync(
        self, member_id: str, generation: int, assignments: dict[str, bytes], answer: Callable[[int, bytes], None]
    ) -> None:
        """Give a member its assignment as soon as the leader has sent it."""
        code = self._refuses(member_id, generation)
        if code or self.state in (EMPTY, JOINING):
            answer(code or RebalanceInProgressError.errno, b"")
            return
        member = self.members[member_id]
        self._alive(member)
        if self.state == STABLE:
            answer(OK, member.assignment)
            return
        member.synced = answer
        if member_id != self.leader:
            return
        self.state = STABLE
        for each in self.members.values():
            each.assignment = assignments.get(each.id, b"")
            if each.synced is not None:
                reply, each.synced = each.synced, None
                self._alive(each)
                reply(OK, each.assignment)

    def heartbeat(self, member_id: str, generation: int) -> int:
        """Keep a member alive. Returns the error code, or 0."""
        code = self._refuses(member_id, generation)
        if code:
            return code
        if self.members[member_id].joined is None:
            self._alive(self.members[member_id])
        return RebalanceInProgressError.errno if self.state == JOINING else OK

    def leave(self, member_id: str) -> int:
        """Remove a member. Returns the error code, or 0."""
        if member_id in self.announced:
            self.announced.discard(member_id)
            return OK
        if member_id not in self.members:
            return int(UnknownMemberIdError.errno)
        self._remove(member_id)
        return OK

    def commit(self, member_id: str, generation: int, offsets: Offsets) -> int:
        """Store offsets of a member, or of an administrator while the group is empty. Returns the error code, or 0."""
        if generation >= 0 or self.members:
            code = self._refuses(member_id, generation)
            if code or self.state == SYNCING:
                return code or RebalanceInProgressError.errno
            self._alive(self.members[member_id])
        self.offsets.update(offsets)
        return OK

    def delete(self) -> int:
        """The error code with which the group refuses to be deleted, or 0."""
        return NonEmptyGroup.errno if self.members else OK

    def _refuses(self, member_id: str, generation: int) -> int:
        if member_id not in self.members:
            return int(UnknownMemberIdError.errno)
        return OK if generation == self.generation else IllegalGenerationError.errno

    def _common(self, member: Member) -> bool:
        others = [each for each in self.members.values() if each.id != member.id]
        names = {name for name, _ in member.protocols}
        return all(names & {name for name, _ in each.protocols} for each in others)

    def _answer_for(self, member: Member) -> Joined:
        members: list[tuple[str, str | None, bytes]] = []
        if member.id == self.leader:
            members = [(each.id, None, dict(each.protocols)[self.protocol]) for each in self.members.values()]
        return Joined(OK, self.generation, self.protocol, self.leader, member.id, members)

    def _prepare_rebalance(self) -> None:
        for each in self.members.values():
            if each.synced is not None:
                reply, each.synced = each.synced, None
                reply(RebalanceInProgressError.errno, b"")
        self.state = JOINING
        if self.members:
            patience = max(each.rebalance_timeout for each in self.members.values())
            any_member = next(iter(self.members.values()))
            self.cancel_rebalance = any_member.later(patience, self._complete)

    def _try_complete(self) -> None:
        if self.state == JOINING and not self.announced and all(each.joined for each in self.members.values()):
            self._complete()

    def _complete(self) -> None:
        """End the rebalance without the members that have not joined again."""
        if self.cancel_rebalance is not None:
            self.cancel_rebalance()
            self.cancel_rebalance = None
        self.announced.clear()
        for late in [each for each in self.members.values() if each.joined is None]:
            self._rest(late)
            del self.members[late.id]
        self.generation += 1
        if not self.members:
            self.state, self.protocol, self.leader = EMPTY, "", ""
            return
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        shared = set.intersection(*({name for name, _ in each.protocols} for each in self.members.values()))
        self.protocol = next(name for name, _ in self.members[self.leader].protocols if name in shared)
        self.state = SYNCING
        for each in self.members.values():
            reply, each.joined = each.joined, None
            self._alive(each)
            if reply is not None:
                reply(self._answer_for(each))

    def _remove(self, member_id: str) -> None:
        member = self.members.pop(member_id)
        self._rest(member)
        if self.leader == member_id:
            self.leader = next(iter(self.members), "")
        for reply in filter(None, [member.joined]):
            reply(Joined(UnknownMemberIdError.errno, member_id=member_id))
        if self.state in (STABLE, SYNCING):
            self._prepare_rebalance()
        self._try_complete()

    def _alive(self, member: Member) -> None:
        """Start the member's session anew: without a word in it, the member is removed."""
        self._rest(member)
        member.cancel_expiry = member.later(member.session_timeout, lambda: self._expire(member))

    def _expire(self, member: Member) -> None:
        if self.members.get(member.id) is member:
            self._remove(member.id)

    @staticmethod
    def _rest(member: Member) -> None:
        """Stop the member's session, while it waits for the others."""
        if member.cancel_expiry is not None:
            member.cancel_expiry()
            member.cancel_expiry = None
