"""What is known of each document of one source partition: what stands in Sage, what was claimed, how it ended.

The ledger is the compacted topic `{source}.ledger`, co-partitioned with its source; this module is the value of its
records and their reading. The worker's copy (`ledger_store`) is a cache of the topic and nothing else: whoever is
assigned the partition restores it before reading the first event, behind the transactional id that fences the former
owner.
"""

import base64
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

import orjson

from domain.codes import Code
from domain.documents import Connection, SageObject
from domain.emission import Emitted
from domain.outcomes import Outcome

SCHEMA = 1
WAITING = frozenset({Outcome.DEFERRED, Outcome.UNCERTAIN})
OTHER_REVISION = ""
"""`Posted.revision` of a document that stands in Sage with content which none of our revisions is known to have."""
UNSURE_REVISION = "?"
"""The same where an update of ours may or may not have been executed: it has the content of one of two revisions."""
CREATE, UPDATE, REVERSE, DELETE = "create", "update", "reverse", "delete"
"""What a call does, as `Claim.operation` and in its control id."""
MOST_RETIRED = 30
"""Records of ours that are remembered as reversed or deleted, for each document; the newest."""
INTERNAL = "~"
"""What begins so is no document key but a record of the engine's own, whose value only its writer understands."""


class LedgerUnreadableError(ValueError):
    """Somebody else wrote to a ledger topic, or a later version did. To go on without it could post twice."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A call that was about to be made. Until its outcome is known, nothing else may be sent for the document."""

    revision: str
    control_id: str
    attempt: int
    connection: Connection
    sage_object: SageObject
    number: str
    party_id: str
    total: Decimal
    lease_until: datetime
    """No byte of the call leaves after this; absence in Sage proves nothing before it."""
    offset: int | None = None
    """The offset of the source record that it was made for, and its Kafka timestamp; older claims do not say."""
    timestamp: int = 0
    repeats: int = 0
    """How often Sage said that it had executed the control id before, without a document being found."""
    asked: bool = False
    """True once a person was asked about it: its lease has ended, and it is never sent again."""
    operation: str = CREATE
    record_no: str = ""
    """What a correction changes; older claims create, and name none."""
    posting_date: date | None = None
    """Its date in the general ledger where that is not the document's own (`periods`); of a reversal the day that it is
    made on where Sage refused an earlier one."""
    content: str = ""
    """What is booked (`domain.identity.content_of`); empty where that is not known."""
    emitted: Emitted | None = None
    """When the event was emitted that it was made for; older claims do not say, nor those of a wrong timestamp."""

    @property
    def corrects(self) -> bool:
        """Whether it changes a record that stands in Sage, instead of making one."""
        return self.operation != CREATE


@dataclass(frozen=True, slots=True)
class Posted:
    """What stands in Sage Intacct for this document."""

    revision: str
    record_no: str
    control_id: str
    connection: Connection
    sage_object: SageObject
    number: str
    party_id: str
    content: str = ""
    """What was booked (`domain.identity.content_of`); empty where that is not known."""


@dataclass(frozen=True, slots=True)
class Retired:
    """What stood in Sage Intacct for this document once: it was reversed or deleted, by us or in Sage."""

    record_no: str
    number: str
    """The number that it still holds; empty where it was deleted, which frees its number."""
    connection: Connection
    """Where it stood; its object and party likewise: payments that were made of it may still be voided."""
    sage_object: SageObject
    party_id: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A person's word that the document is in Sage already: it is never posted."""

    revision: str
    by: str
    """Who said so, when and why."""
    record_no: str | None = None
    at: int = 0
    """When, in milliseconds since 1970: a retry that was asked before is about what stood before."""
    claim: Claim | None = None
    """The call that was in doubt then: if the mark is taken away, it is looked up before anything is sent."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """The document is a row of grouped bills, and never a bill of its own any more."""

    revision: str
    group: str | None
    """The document key of the bill that has it as a line; None while it is withdrawn."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the newest revision ended, as its result said it."""

    revision: str
    outcome: Outcome
    offset: int
    timestamp: int = 0
    """The source record's place: its offset and its Kafka timestamp in milliseconds."""
    code: Code | None = None
    detail: str | None = None
    blocked_by: tuple[str, ...] = ()
    by_sage: bool = False
    """True when Sage itself refused: only then does asking again cost a call."""
    emitted: Emitted | None = None
    """The place of the newest event that was answered; entries of older versions do not have it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document's record in the ledger."""

    key: str
    attempts: int = 0
    """The next attempt's number: calls that Sage definitely refused, and corrections that it executed."""
    posted: Posted | None = None
    claim: Claim | None = None
    last: Ending | None = None
    parked: bytes | None = None
    """The event itself while the document is not done with: it waits, it is in doubt, or it was rejected and may be
    tried again. So the source topic's retention cannot lose it."""
    marked: Marked | None = None
    retired: tuple[Retired, ...] = ()
    """Oldest first. None of them is ever adopted, nor ends a later posting as reversed by hand."""
    renumbered: bool = False
    """True once Sage refused a number that only a retired record of ours holds: later ones get a suffix."""
    grouped: Grouped | None = None
    answered: tuple[str, ...] = ()
    """The events that were answered last, oldest first (`sequence.digest`): an event that comes once more under a later
    timestamp is known by it."""

    @property
    def rejected(self) -> bool:
        """Whether the document was rejected and is kept until a person has acted."""
        return self.parked is not None and self.last is not None and self.last.outcome is Outcome.REJECTED

    @property
    def waiting(self) -> bool:
        """Whether the document goes on by itself when something arrives, or when its doubt ends."""
        return self.parked is not None and self.last is not None and self.last.outcome in WAITING


def encode(entry: Entry) -> bytes:
    """The record's value: JSON in UTF-8, amounts as text, the parked event in base64 since it may be any bytes."""
    body: dict[str, object] = {"schema": SCHEMA, "attempts": entry.attempts}
    for name in ("posted", "claim", "last", "marked", "grouped"):
        part = getattr(entry, name)
        if part is not None:
            body[name] = part
    if entry.retired:
        body["retired"] = entry.retired
    if entry.answered:
        body["answered"] = entry.answered
    if entry.renumbered:
        body["renumbered"] = True
    if entry.parked is not None:
        body["parked"] = base64.b64encode(entry.parked).decode()
    return orjson.dumps(body, default=str)


def key_of(key: bytes | None) -> str:
    """The text of a record's key.

    Raises:
        LedgerUnreadableError: as `decode`.
    """
    try:
        return (key or b"").decode()
    except UnicodeDecodeError as error:
        raise LedgerUnreadableError(f"a ledger record's key {key!r} is not one of ours") from error


_HEAD = b'{"schema":%d,' % SCHEMA


def can_rest(value: bytes) -> bool:
    """Whether a record may be put away unread: it is of this schema, and an index has nothing to know of it.

    Only an entry that keeps its event waits or may be asked for by its code; only one with a claim is in doubt.
    """
    return value.startswith(_HEAD) and b'"parked":' not in value and b'"claim":' not in value


def decode(key: str, value: bytes) -> Entry:
    """Read a record back.

    Raises:
        LedgerUnreadableError: the record is not one of ours; a ledger that cannot be read stops its reader.
    """
    try:
        return _decode(key, value)
    except LedgerUnreadableError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise LedgerUnreadableError(f"ledger record {key!r} is not one of ours: {type(error).__name__}") from error


def _decode(key: str, value: bytes) -> Entry:
    body = orjson.loads(value)
    if body["schema"] != SCHEMA:
        raise LedgerUnreadableError(f"ledger record {key!r} has schema {body['schema']!r}; this version reads {SCHEMA}")
    posted, claim, last = body.get("posted"), body.get("claim"), body.get("last")
    parked, marked, grouped = body.get("parked"), body.get("marked"), body.get("grouped")
    return Entry(
        key=key,
        attempts=body["attempts"],
        posted=_posted(posted) if posted else None,
        claim=_claim(claim) if claim else None,
        last=_ending(last) if last else None,
        parked=base64.b64decode(parked) if parked is not None else None,
        marked=_marked(marked) if marked else None,
        retired=tuple(map(_read_retired, body.get("retired", ()))),
        renumbered=body.get("renumbered", False),
        grouped=Grouped(**grouped) if grouped else None,
        answered=tuple(body.get("answered", ())),
    )


def _posted(body: dict[str, object]) -> Posted:
    parts = body | {"connection": _connection(body["connection"]), "sage_object": SageObject(str(body["sage_object"]))}
    return Posted(**parts)  # type: ignore[arg-type]  # a wrong shape raises TypeError, as promised above


def _claim(body: dict[str, object]) -> Claim:
    parts = body | {
        "connection": _connection(body["connection"]),
        "sage_object": SageObject(str(body["sage_object"])),
        "total": Decimal(str(body["total"])),
        "lease_until": datetime.fromisoformat(str(body["lease_until"])),
        "posting_date": date.fromisoformat(str(posted)) if (posted := body.get("posting_date")) else None,
        "emitted": _emitted(body.get("emitted")),
    }
    return Claim(**parts)  # type: ignore[arg-type]  # as above


def _read_retired(body: dict[str, object]) -> Retired:
    parts = body | {"connection": _connection(body["connection"]), "sage_object": SageObject(str(body["sage_object"]))}
    return Retired(**parts)  # type: ignore[arg-type]  # as above


def _marked(body: dict[str, object]) -> Marked:
    claim = body.get("claim")
    parts = body | {"claim": _claim(claim) if claim else None}  # type: ignore[arg-type]  # as above
    return Marked(**parts)  # type: ignore[arg-type]  # as above


def _ending(body: dict[str, object]) -> Ending:
    code, blocked_by = body["code"], body["blocked_by"]
    parts = body | {
        "outcome": Outcome(str(body["outcome"])),
        "code": Code(str(code)) if code is not None else None,
        "blocked_by": tuple(blocked_by),  # type: ignore[arg-type]  # as above
        "emitted": _emitted(body.get("emitted")),
    }
    return Ending(**parts)  # type: ignore[arg-type]  # as above


def _emitted(body: object) -> Emitted | None:
    if body is None:
        return None
    at, identity = body["at"], body["id"]  # type: ignore[index]  # as above
    return Emitted(datetime.fromisoformat(at), str(identity))


def _connection(body: object) -> Connection:
    return Connection(**body)  # type: ignore[arg-type]  # as above


def placed(entry: Entry, ending: Ending) -> Ending:
    """The ending, at the place of the newest event that is known: one that was read again makes nothing older."""
    for known in (entry.last, entry.claim):
        if known is None or known.offset is None:
            continue
        if known.emitted is not None and ending.emitted is not None:
            newer = ending.emitted.before(known.emitted)
        else:
            newer = known.timestamp >= ending.timestamp and known.offset > ending.offset
        if newer:
            ending = replace(ending, offset=known.offset, timestamp=known.timestamp, emitted=known.emitted)
        elif ending.emitted is None:
            ending = replace(ending, emitted=known.emitted)
    return ending


def ended(
    entry: Entry,
    ending: Ending,
    *,
    posted: Posted | None = None,
    marked: Marked | None = None,
    next_attempt: bool = False,
) -> Entry:
    """The entry after an outcome is known: the claim is settled, no event is kept.

    `next_attempt`: Sage definitely refused the call, or executed a correction: the next call is another one.
    """
    return replace(
        entry,
        attempts=entry.attempts + next_attempt,
        posted=posted or entry.posted,
        claim=None,
        last=placed(entry, ending),
        parked=None,
        marked=marked,
    )


def without_standing(entry: Entry, ending: Ending, parked: bytes | None, *, deleted: bool) -> Entry:
    """The entry after what stood in Sage was reversed or deleted: what is next for the event is still open.

    Raises:
        ValueError: Nothing stood there.
    """
    posted = entry.posted
    if posted is None:
        raise ValueError(f"{entry.key} does not stand in Sage")
    retired = (*entry.retired, _retired(posted, deleted=deleted))[-MOST_RETIRED:]
    after = ended(entry, ending, next_attempt=True)
    return replace(after, posted=None, parked=parked, retired=retired)


def _retired(posted: Posted, *, deleted: bool) -> Retired:
    number = "" if deleted else posted.number
    return Retired(posted.record_no, number, posted.connection, posted.sage_object, posted.party_id)
