"""A Sage Intacct at the client's seam: what it booked can be counted, and it fails when it is told to.

For speed, beside the tests that run against the simulator over HTTP.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from domain.categories import Side
from domain.documents import PartyKind, SageObject
from domain.idempotency import marker
from domain.parties.matching import PartyRecord
from sage_client import (
    Answer,
    Call,
    Correction,
    DeleteCall,
    Dimension,
    DimensionValue,
    DocumentKey,
    Done,
    ExchangeLevel,
    Found,
    Login,
    PartyFields,
    Refused,
    ReverseCall,
    SageError,
    SageRecord,
    Term,
    Unknown,
    UpdateCall,
    line_elements,
)
from sage_client.errors import (
    ConnectionLostError,
    DuplicateCallError,
    DuplicateNumberError,
    PermissionDeniedError,
    RefusedError,
    TooLateError,
)
from sage_client.parties import NAMES_ONLY
from tests.support.virtual_time import now


@dataclass
class Booked:
    record_no: str
    number: str
    party_id: str
    total: Decimal
    description: str
    control_id: str
    key: str
    accounts: tuple[str, ...]
    state: str = "Posted"
    place: tuple[str, str | None] = ("", None)
    """Company and entity."""
    kind: SageObject = SageObject.AR_INVOICE
    reference: str = ""
    lines: tuple[frozenset[str], ...] = ()
    reversed_on: date | None = None


@dataclass
class FakeSage:
    """Answers like `SageClient`. `script` holds, per coming request, what happens to it; then all goes well.

    "ok"; a `SageError` (nothing is booked and every call gets it); "lost" (booked, then the connection breaks);
    "vanished" (not booked, and the connection breaks); an `asyncio.Event` (booked when it is set).
    """

    script: deque[object] = field(default_factory=deque)
    refuse: dict[str, SageError] = field(default_factory=dict)
    """By document number: what Sage answers to it, whatever the script says."""
    booked: list[Booked] = field(default_factory=list)
    executed: set[str] = field(default_factory=set)
    parties_known: dict[PartyKind, list[PartyRecord]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """The ids of parties that Sage does not have; else it has every id, but for those that only this service gives."""
    shown: set[str] = field(default_factory=set)
    """The ids that were asked for and that Sage had."""
    net_terms: tuple[int, ...] = (7, 15, 30, 45)
    lists_read: int = 0
    terms_read: int = 0
    ids_asked: list[set[str]] = field(default_factory=list)
    """Which ids of parties each request asked for."""
    requests: list[int] = field(default_factory=list)
    """How many calls each request held."""
    denied: set[SageObject] = field(default_factory=set)
    """The kinds of documents that the user may not post."""
    values: dict[str, list[DimensionValue] | SageError] = field(default_factory=dict)
    """By a dimension's object: its values, or why they cannot be read; none for any other."""
    values_read: Counter[str] = field(default_factory=Counter)
    lookups: int = 0
    probes: int = 0
    too_late: bool = False
    """True while nothing is sent because it would be after its time."""
    late: int = 0
    """Requests that were not sent, because it was after their time."""
    hidden: bool = False
    """True while look-ups do not see what was booked."""
    unique_numbers: bool = False
    """True where a number may stand once, whatever became of its record, as some companies set it up."""
    made: int = 0
    """Documents created, those deleted since included."""
    corrected: list[tuple[str, str]] = field(default_factory=list)
    """What was done to which record."""
    inspections: int = 0
    asked_for: list[Call | Correction] = field(default_factory=list)
    """Every call that arrived, in order."""
    lost: list[Call | Correction] = field(default_factory=list)
    """The calls of the last request."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By company: how long it takes for a request."""
    down: SageError | None = None
    """While set, every request gets it."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a request arrives."""
    running: int = 0
    most_running: int = 0

    @property
    def keys(self) -> Counter[str]:
        """How often each document stands in the books."""
        return Counter(each.key for each in self.standing_now)

    @property
    def standing_now(self) -> list[Booked]:
        """What counts for something."""
        return [each for each in self.booked if each.state != "Reversed"]

    async def post(
        self,
        login: Login,
        calls: Sequence[Call | Correction],
        *,
        not_after: datetime | None = None,
        wanted: Callable[[], bool] | None = None,
        resent: Collection[str] = (),
    ) -> list[Answer]:
        unwanted = wanted is not None and not wanted()
        if self.too_late or unwanted or (not_after is not None and now() > not_after):
            self.late += 1
            return [Refused(call.control_id, TooLateError("too late to send")) for call in calls]
        self.requests.append(len(calls))
        self.lost = list(calls)
        self.asked_for += calls
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.arrived.set()
        try:
            return await self._post(login, calls)
        finally:
            self.running -= 1

    async def _post(self, login: Login, calls: Sequence[Call | Correction]) -> list[Answer]:
        await asyncio.sleep(self.seconds.get(login.company_id, 0))
        act = self.down or (self.script.popleft() if self.script else "ok")
        if isinstance(act, asyncio.Event):
            await act.wait()
        if isinstance(act, SageError):
            wrap = Refused if act.kind is not None else Unknown
            return [wrap(call.control_id, act) for call in calls]
        if act == "vanished":
            return [Unknown(call.control_id, ConnectionLostError("gone before it was executed")) for call in calls]
        answers = [self._execute(login, call) for call in calls]
        if act == "lost":
            return [Unknown(call.control_id, ConnectionLostError("gone after it was executed")) for call in calls]
        return answers

    def _execute(self, login: Login, call: Call | Correction) -> Answer:
        error: SageError | None
        if isinstance(call, Call):
            error = self.refuse.get(call.document.number)
            if error is None and call.document.sage_object in self.denied:
                error = PermissionDeniedError("no permission", level=ExchangeLevel.RESULT)
        else:
            error = self.refuse.get(call.record_no)
        if error is not None:
            return Refused(call.control_id, error)
        if call.control_id in self.executed:
            return Unknown(call.control_id, DuplicateCallError("executed before"))
        taken = {each.number for each in self.booked} if self.unique_numbers else set[str]()
        if isinstance(call, Call) and call.document.number in taken:
            return Refused(call.control_id, DuplicateNumberError("there already", level=ExchangeLevel.RESULT))
        try:
            record_no = self._book(login, call) if isinstance(call, Call) else self._correct(login, call)
        except RefusedError as refused:
            return Refused(call.control_id, refused)
        self.executed.add(call.control_id)
        return Done(call.control_id, record_no)

    def _book(self, login: Login, call: Call) -> str:
        document = call.document
        self.made += 1
        self.booked.append(
            Booked(
                str(self.made),
                document.number,
                call.party_id,
                document.total,
                f"{document.description} {marker(document.source.key)}",
                call.control_id,
                document.source.key,
                tuple(line.account for line in document.lines),
                "Draft" if document.draft else "Posted",
                (login.company_id, login.entity_id),
                document.sage_object,
                document.reference or "",
                line_elements(document),
            )
        )
        return self.booked[-1].record_no

    def _correct(self, login: Login, call: Correction) -> str:
        place = login.company_id, login.entity_id
        there = next((each for each in self.booked if (each.record_no, each.place) == (call.record_no, place)), None)
        if there is None:
            raise RefusedError("no such record here", level=ExchangeLevel.RESULT)
        if there.state not in ("Draft", "Posted"):
            raise RefusedError(f"it is {there.state}", level=ExchangeLevel.RESULT)
        match call:
            case ReverseCall(on=on):
                if there.state != "Posted":
                    raise RefusedError("only a posted one can be reversed", level=ExchangeLevel.RESULT)
                there.state, there.reversed_on = "Reversed", on
            case DeleteCall():
                self.booked.remove(there)
            case UpdateCall(create=create):
                made, state = self.made, there.state
                self._book(login, create)
                new = self.booked.pop()
                self.made = made
                new.state = "Draft" if create.document.draft else "Posted"
                assert (state, new.state) != ("Posted", "Draft")
                self.booked[self.booked.index(there)] = replace(new, record_no=there.record_no)
        self.corrected.append((type(call).__name__.removesuffix("Call").lower(), call.record_no))
        return call.record_no

    async def records(
        self, login: Login, kind: SageObject, record_nos: Sequence[str], *, lines_too: bool = False
    ) -> dict[str, SageRecord]:
        self.inspections += 1
        if self.down is not None:
            raise self.down
        place = login.company_id, login.entity_id
        return {
            each.record_no: SageRecord(
                each.record_no,
                each.number,
                each.party_id,
                each.state,
                each.total,
                reference=each.reference,
                lines=tuple(line - {"glaccountno", "amount"} for line in each.lines) if lines_too else None,
            )
            for each in self.booked
            if not self.hidden and each.record_no in record_nos and (each.place, each.kind) == (place, kind)
        }

    async def find(self, login: Login, keys: Sequence[DocumentKey]) -> list[list[Found]]:
        self.lookups += 1
        if self.down is not None:
            raise self.down
        return [
            [
                Found(each.record_no, each.number, each.party_id, each.state, each.total, each.description, "", "", "")
                for each in self.booked
                if not self.hidden and each.number == key.number and each.party_id == key.party_id
            ]
            for key in keys
        ]

    async def parties(
        self,
        login: Login,
        kind: PartyKind,
        fields: PartyFields = NAMES_ONLY,
        ids: Iterable[str] | None = None,
    ) -> list[PartyRecord]:
        if self.down is not None:
            self.arrived.set()
            raise self.down
        known = self.parties_known.get(kind, [])
        if ids is None:
            self.lists_read += 1
            named = {record.id for record in known}
            return known + [PartyRecord(one, one) for one in sorted(self.shown - named - self.missing)]
        asked = set(ids)
        self.ids_asked.append(asked)
        named = {record.id for record in known}
        anyone = [PartyRecord(one, one) for one in sorted(asked - named - self.missing) if not one.startswith("ALV")]
        self.shown |= {record.id for record in anyone}  # a list that lacks them would say that they were deleted
        return [record for record in known if record.id in asked] + anyone

    async def terms(self, login: Login, side: Side) -> list[Term]:
        if self.down is not None:
            raise self.down
        self.terms_read += 1
        return [Term(f"Net {days}", days, active=True) for days in self.net_terms]

    async def dimension_values(self, login: Login, dimension: Dimension) -> list[DimensionValue]:
        self.values_read[dimension.object] += 1
        values = self.values.get(dimension.object, [])
        if isinstance(values, SageError):
            raise values
        return values

    async def probe(self, login: Login) -> None:
        self.probes += 1
        if self.down is not None:
            raise self.down
