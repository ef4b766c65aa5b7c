"""The life of one document in a worker, as data. Pure, and the only place where its fate is decided.

A work item is in one state. What happens to it is an event; `transition` returns the next state and the effects, which
the partition performs: it writes to the ledger, hands the document to a lane, or starts the next revision. A state says
what may be true in Sage, so each event is allowed in few states; any other pair is a defect and raises.

Promises 2 and 3 in short: a call leaves only in the state `Claimed`, after its claim is durable; and a document whose
call may have been executed leaves `InDoubt` only by proof. docs/exactly-once.md shows the table of states and events,
which `tests/support/pages.py` makes from `transition`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from consumers.export.protocol.decide import NextStep, reject_changed
from consumers.export.protocol.document_state import (
    REVISION_AMBIGUOUS,
    UPDATE,
    Claim,
    DocumentState,
)
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.reconcile import NeedsPerson, NotProvenYet, Renumber, SendAgain
from consumers.export.protocol.steps import NoLongerPosted
from domain.codes import Code
from domain.outcomes import Outcome
from producers.results import SageAnswer


class LifecycleError(Exception):
    """An event came in a state in which it cannot happen: a defect of ours. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of the calls that were made for the document since its record was read."""

    attempt: int = 0
    """Number of the next call, a part of its control id."""
    retries: int = 0
    """Number of times Sage did not take this document although it took others of the company."""
    sent: str = ""
    """Control id of a call whose bytes may have left. If sent again, it may collide with its own first execution."""
    absent: Claim | None = None
    """The claim whose call is proven absent, by its lease alone. It is sent again before anything else is."""
    returns: int = 0
    """How often the call that is proven absent could not be sent again for now."""
    acknowledged: Claim | None = None
    """The claim whose call Sage says it has executed although no document was found. No other call may replace it."""
    update_maybe_applied: bool = False
    """True once an update of the existing record may or may not have been executed."""
    rejected_update_hash: str | None = None
    """Content hash of an update that no look-up showed as executed, so that it is sent again. None if there is none."""
    posting_date: date | None = None
    """Posting date of a call that is proven absent. The call is sent again with it, under the same control id."""
    not_before: date | None = None
    """Earliest day on which the existing record may be reversed, since Sage refused the day before. None: no limit."""
    period_retries: int = 0
    """Number of times the document got a new posting date because its period is closed (`protocol.closed_periods`)."""
    confirmed_missing: bool = False
    """True if a person was told that the existing record cannot be found, and asked to go on."""

    def for_resend(self) -> "History":
        """The history without everything that belongs to the last call alone."""
        return replace(self, retries=0, sent="", absent=None, posting_date=None, not_before=None)

    def for_next_call(self) -> "History":
        """The history for a call of its own, once the last call is settled."""
        return replace(self.for_resend(), returns=0, acknowledged=None, update_maybe_applied=False)


# States.


@dataclass(frozen=True, slots=True)
class Waiting:
    """An earlier revision of the document is in flight."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The document is mapped, prepared and queued. No call is claimed, or the claimed one is proven not executed."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The claim is durable. The call is about to be made, is being made, or was definitely not taken by Sage."""

    claim: Claim
    send_deadline: float
    """Latest time at which the call may begin, in seconds of the monotonic clock."""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The call may or may not have been executed. Only a look-up in Sage ends this state."""

    claim: Claim
    number_taken: bool = False
    """True if Sage definitely refused the call because the number is taken. A look-up finds out by which record."""
    lookups: int = 0
    """Number of look-ups that proved nothing."""
    reason: str | None = None
    """Why the outcome is in doubt, as last reported. None before the first look-up."""
    person_asked: bool = False
    """Whether this worker has reported that a person has to act."""
    probes: int = 0
    """How often this worker made the same call once more to learn its outcome (`sending.probes`)."""


@dataclass(frozen=True, slots=True)
class BetweenCalls:
    """A call is settled, and a write that says so is on its way to the ledger. The next call is planned after it."""

    claim: Claim | None


@dataclass(frozen=True, slots=True)
class Ending:
    """The result is known, and is on its way to the ledger and to its topic."""

    result: ExportResult
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class Parked:
    """The ledger keeps the event. A blocker or a person brings the document back as a new work item."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The work item is over. Whatever still comes for it changes nothing."""


State = Waiting | Planned | Claimed | InDoubt | BetweenCalls | Ending | Parked | Completed


@dataclass(frozen=True, slots=True)
class Life:
    """The state of a work item, its source record, and the history of its calls."""

    offset: int | None = None
    """Offset of the source record that ends with this document. None if no record is open for it: the document was
    parked before, its doubt was reported, or a command brought the event along."""
    state: State = field(default_factory=Waiting)
    history: History = field(default_factory=History)

    @property
    def claim(self) -> Claim | None:
        """The claim of the current call, until the end of the call is durable. None if there is none."""
        match self.state:
            case Claimed(claim) | InDoubt(claim) | BetweenCalls(claim) | Ending(_, claim):
                return claim
            case _:
                return None

    @property
    def over(self) -> bool:
        """Whether nothing can happen to the work item any more."""
        return isinstance(self.state, Completed | Parked)

    @property
    def rests_in_doubt(self) -> bool:
        """Whether the document is in doubt and its record has ended, so that a command may take its place."""
        return isinstance(self.state, InDoubt) and self.offset is None

    @property
    def waits_for_proof(self) -> bool:
        """Whether the document rests in doubt after a look-up that proved nothing, so that it may take long."""
        return isinstance(self.state, InDoubt) and self.offset is None and self.state.lookups > 0

    @property
    def must_end_first(self) -> bool:
        """Whether the document has to be answered before its partition is released, if time allows: a call is out."""
        return isinstance(self.state, Claimed) or (isinstance(self.state, InDoubt) and not self.state.lookups)


# Events. What a look-up proves is one as it is (`reconcile`, `steps`): `NotProvenYet`, `NeedsPerson`, `SendAgain`,
# `Renumber`, `NoLongerPosted`.


@dataclass(frozen=True, slots=True)
class Decided:
    """Its turn came, and the ledger says what the revision needs."""

    answer: ExportResult | NextStep | None
    """None: the command that asks for it was answered before."""
    claim: Claim | None = None
    """The call without an outcome, to be looked up first, with today's credentials."""
    confirmed_missing: bool = False


@dataclass(frozen=True, slots=True)
class Mapped:
    """The event was mapped with the settings in force."""

    result: ExportResult | None
    """The result if nothing is to be sent. None: the plan is to be sent."""
    attempt: int
    repeats_refusal: bool = False
    """True if Sage refused the very same document before: nothing is published and nothing sent."""


@dataclass(frozen=True, slots=True)
class ClaimWritten:
    """The claim of the next call is durable."""

    claim: Claim
    send_deadline: float


@dataclass(frozen=True, slots=True)
class ClaimForbidden:
    """The next call would be another one than the call that Sage says it has executed: it is never claimed."""

    repeats: int
    """How often Sage said so, at least; it decides whether a person is asked."""


@dataclass(frozen=True, slots=True)
class Sending:
    """The bytes of the call may leave from now on."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Sage took others of the company but definitely not this document, or not yet what it needs: it is tried again."""


@dataclass(frozen=True, slots=True)
class DatedAnew:
    """Sage definitely refused the call for its date: the next call, of its own, has another date."""

    not_before: date | None = None
    """For a reversal, its earliest day. None for a document, whose plan has the new posting date."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The outcome of the call is not known, or only a look-up can explain Sage's answer."""

    number_taken: bool = False
    executed_before: bool = False
    """True if Sage says that it has executed this control id before."""


@dataclass(frozen=True, slots=True)
class ClaimRenewed:
    """The claim of the call in doubt is durable with a new lease: the same call may be made once more, as a probe."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class SaidExecuted:
    """To a probe, Sage said that it has executed the call in doubt, or is executing it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of the document is known."""

    result: ExportResult


@dataclass(frozen=True, slots=True)
class SetAside:
    """Its company takes no documents now, or not this kind: a circuit is open."""

    result: ExportResult
    """The result that parks the document."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The partition is being released, and Sage definitely did not take the claimed call, which nobody here sends."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A command about the document in doubt takes the place of this work item."""


@dataclass(frozen=True, slots=True)
class DoubtWritten:
    """The report of the doubt is durable. The document may have left the doubt meanwhile."""


@dataclass(frozen=True, slots=True)
class Written:
    """The write that the state waits for is durable."""


Event = (
    Decided
    | Mapped
    | ClaimWritten
    | ClaimForbidden
    | Sending
    | NotTaken
    | DatedAnew
    | Unanswered
    | ClaimRenewed
    | SaidExecuted
    | NotProvenYet
    | NeedsPerson
    | SendAgain
    | Renumber
    | NoLongerPosted
    | Ended
    | SetAside
    | Returned
    | TakenOver
    | DoubtWritten
    | Written
)


# Effects.


@dataclass(frozen=True, slots=True)
class Map:
    """Map the event with the settings in force, and report `Mapped`."""


@dataclass(frozen=True, slots=True)
class Send:
    """Hand the planned document to the lane of its company."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Hand the document to its lane, to be looked up in Sage."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Publish the result and end the source record, in one transaction with the document state."""

    result: ExportResult
    before: DocumentState
    """The document state before the result."""
    completes: int | None
    """Offset of the source record that ends with this. None if none does; likewise below."""


@dataclass(frozen=True, slots=True)
class WriteDoubt:
    """Publish that the outcome is in doubt; the ledger keeps the claim and the event."""

    result: ExportResult
    before: DocumentState
    state: DocumentState
    completes: int | None


@dataclass(frozen=True, slots=True)
class WriteRemoval:
    """Publish that the existing record no longer counts; the ledger keeps the event, which is still to be exported."""

    gone: NoLongerPosted
    before: DocumentState
    attempt: int
    completes: int | None


@dataclass(frozen=True, slots=True)
class WriteBetweenCalls:
    """Write the document state between two calls."""

    state: DocumentState


@dataclass(frozen=True, slots=True)
class WriteState:
    """Write the document state. Nothing waits for this write."""

    state: DocumentState


@dataclass(frozen=True, slots=True)
class AnswerCommand:
    """The command that a person gave for the document, if any, is answered."""


@dataclass(frozen=True, slots=True)
class YieldToCommand:
    """Let a command that waits for this document in doubt take its place."""


@dataclass(frozen=True, slots=True)
class TakeNext:
    """Start the next work item of the document."""


Effect = (
    Map
    | Send
    | LookUp
    | WriteResult
    | WriteDoubt
    | WriteRemoval
    | WriteBetweenCalls
    | WriteState
    | AnswerCommand
    | YieldToCommand
    | TakeNext
)
Transition = tuple[Life, tuple[Effect, ...]]
Stored = Callable[[], DocumentState]


def transition(  # noqa: C901, PLR0911, PLR0912 - the table of the protocol: one case for each state and event
    life: Life, event: Event, stored: Stored, revision: str
) -> Transition:
    """Return what becomes of a work item, and the effects to perform, in order.

    Args:
        life: The work item's state and history.
        event: The event.
        stored: Returns the document state that the ledger holds. Most events need none, and a parked one may be large.
        revision: The revision of the work item.

    Raises:
        LifecycleError: The event cannot happen in this state.
    """
    state, history = life.state, life.history
    match state, event:
        case ((Completed() | Parked()), _):
            return life, ()  # a command or another owner of the partition decides instead
        case _, DoubtWritten():
            return life, (AnswerCommand(), YieldToCommand())
        case Waiting(), Decided():
            return _decided(life, event, stored, revision)
        case Planned(), Mapped(result, attempt, repeats_refusal):
            life = replace(life, history=replace(history, attempt=attempt, rejected_update_hash=None))
            if repeats_refusal:
                return replace(life, state=Completed()), (TakeNext(),)
            return (life, (Send(),)) if result is None else _ended(life, result, stored, revision)
        case ((Planned() | Claimed()), ClaimWritten(claim, send_deadline)):
            return replace(life, state=Claimed(claim, send_deadline)), ()
        case ((Planned() | Claimed()), ClaimForbidden(repeats)) if history.acknowledged is not None:
            known = history.acknowledged
            return replace(life, state=InDoubt(replace(known, repeats=max(known.repeats, repeats)))), (LookUp(),)
        case Claimed(claim), Sending():
            return replace(life, history=replace(history, sent=claim.control_id)), ()
        case ((Planned() | Claimed()), NotTaken()):
            return replace(life, history=replace(history, retries=history.retries + 1)), ()
        case Claimed(claim), DatedAnew(not_before):
            return replace(life, history=_dated_anew(history, claim, not_before)), ()
        case Claimed(claim), Unanswered(number_taken, executed_before):
            claim = replace(claim, repeats=claim.repeats + executed_before)
            return replace(life, state=InDoubt(claim, number_taken)), (LookUp(),)
        case InDoubt(), ClaimRenewed(claim):
            return replace(life, state=replace(state, claim=claim, probes=state.probes + 1)), ()
        case InDoubt(claim), SaidExecuted():
            return replace(life, state=replace(state, claim=replace(claim, repeats=claim.repeats + 1))), ()
        case InDoubt(), NotProvenYet(why):
            return _not_proven(life, state, why, stored)
        case InDoubt(), NeedsPerson(why):
            return _person_needed(life, state, why, stored)
        case InDoubt(claim), SendAgain():
            return replace(life, state=Planned(), history=_proven_absent(history, claim, revision)), (Map(),)
        case InDoubt(claim), Renumber():
            before = stored()
            after = replace(before, claim=None, attempts=before.attempts + 1, renumbered=True)
            return replace(life, state=BetweenCalls(claim)), (WriteBetweenCalls(after),)
        case InDoubt(), TakenOver():
            return replace(life, state=Completed()), (AnswerCommand(),)
        case ((Planned() | Claimed() | InDoubt()), NoLongerPosted()):
            attempt = life.claim.attempt if life.claim is not None else history.attempt
            write = WriteRemoval(event, stored(), attempt, life.offset)
            return replace(life, state=BetweenCalls(life.claim), offset=None), (write,)
        case ((Planned() | Claimed()), SetAside(result)):
            return _set_aside(life, result, stored, revision)
        case ((Planned() | Claimed() | InDoubt()), Ended(result)):
            return _ended(life, result, stored, revision)
        case Claimed(), Returned():
            return replace(life, state=Completed()), _claim_returned(life, stored())
        case BetweenCalls(), Written():
            return replace(life, state=Planned(), history=history.for_next_call()), (Map(),)
        case Ending(result), Written():
            over = Parked() if result.waits else Completed()
            return replace(life, state=over), (AnswerCommand(), TakeNext())
        case _:
            raise LifecycleError(f"{type(event).__name__} of {stored().key} while it is {type(state).__name__}")


def _decided(life: Life, event: Decided, stored: Stored, revision: str) -> Transition:
    life = replace(life, history=replace(life.history, confirmed_missing=event.confirmed_missing))
    match event.answer:
        case None:
            return replace(life, state=Completed()), (AnswerCommand(), TakeNext())
        case ExportResult():
            return _ended(life, event.answer, stored, revision)
        case NextStep.RECONCILE if event.claim is not None:
            return replace(life, state=InDoubt(event.claim)), (LookUp(),)
        case _:
            return replace(life, state=Planned()), (Map(),)


def _ended(life: Life, result: ExportResult, stored: Stored, revision: str) -> Transition:
    """End the document with a result, or go on if the result may not end it."""
    acknowledged, claim = life.history.acknowledged, life.claim
    if acknowledged is not None and not (
        result.posted or result.refused_by_sage or result.final_on_replay or result.marked
    ):
        # Sage says that it executed the call, so no result of ours may take the call's place: it is looked up again.
        return replace(life, state=InDoubt(acknowledged)), (LookUp(),)
    before = with_attempts(life.history, stored())
    if result.posted is not None and claim is not None and claim.revision != revision:
        # The record found in Sage is of an earlier revision; this revision corrects it.
        updated = result.outcome is Outcome.UPDATED
        before = replace(before, posted=result.posted, claim=None, attempts=before.attempts + updated)
        if result.outcome is not Outcome.REJECTED:
            return replace(life, state=BetweenCalls(claim)), (WriteBetweenCalls(before),)
        result = reject_changed(before)
    return replace(life, state=Ending(result, claim)), (WriteResult(result, before, life.offset),)


def _set_aside(life: Life, result: ExportResult, stored: Stored, revision: str) -> Transition:
    """Park the document; or stay in doubt if its call is proven absent, and was to be sent again.

    If the document was parked without its claim, a later revision would take its place, under another control id. A
    Sage that executes the first call after its lease would then have both: only the same control id stops that. For a
    missing setting, which waits for a person, the lease has to suffice.
    """
    claim = life.history.absent and (life.claim or life.history.absent)
    if claim is None:
        return _ended(life, result, stored, revision)
    history = replace(life.history.for_resend(), returns=life.history.returns + 1)
    why = f"it is proven absent, and cannot be sent again now: {result.code or result.outcome}"
    why = f"{why}, {result.detail}" if result.detail else why
    state = InDoubt(claim, lookups=history.returns, reason=why)
    life, report = _report_doubt(replace(life, history=history), state, Code.OUTCOME_UNKNOWN, why, stored)
    return life, (*report, LookUp())


def _not_proven(life: Life, state: InDoubt, why: str, stored: Stored) -> Transition:
    """Stay in doubt. The first time, the doubt is published and the record ends."""
    state = replace(state, lookups=state.lookups + 1, reason=why)
    if state.lookups > 1:
        return replace(life, state=state), ()
    detail = f"sent under control id {state.claim.control_id[:12]}…; {why}"
    return _report_doubt(life, state, Code.OUTCOME_UNKNOWN, detail, stored)


def _person_needed(life: Life, state: InDoubt, why: str, stored: Stored) -> Transition:
    """Stay in doubt, and report once that a person has to act. The call is never sent again from now on."""
    if state.person_asked:
        return replace(life, state=replace(state, lookups=state.lookups + 1)), ()
    claim = replace(state.claim, asked=True)
    state = replace(state, claim=claim, lookups=1, reason=why, person_asked=True)
    code = Code.CORRECTION_NOT_CONFIRMED if claim.corrects else Code.EXECUTED_BUT_NOT_FOUND
    return _report_doubt(life, state, code, why, stored)


def _report_doubt(life: Life, state: InDoubt, code: Code, detail: str, stored: Stored) -> Transition:
    result = ExportResult(Outcome.UNCERTAIN, code, detail, sage=SageAnswer(control_id=state.claim.control_id))
    before = stored()
    write = WriteDoubt(result, before, replace(before, claim=state.claim, marked=None), life.offset)
    return replace(life, state=state, offset=None), (write,)


def _proven_absent(history: History, claim: Claim, revision: str) -> History:
    """The history for the same call once more: what may have left keeps its control id, and so its dates."""
    update = claim.operation == UPDATE
    return replace(
        history.for_resend(),
        sent=claim.control_id,
        absent=claim,
        acknowledged=claim if claim.repeats else None,
        update_maybe_applied=history.update_maybe_applied or update,
        rejected_update_hash=claim.content if update else None,
        posting_date=claim.posting_date if claim.revision == revision and not claim.corrects else None,
        not_before=claim.posting_date if claim.corrects else None,
    )


def _dated_anew(history: History, claim: Claim, not_before: date | None) -> History:
    history = replace(history, attempt=claim.attempt + 1, absent=None)
    if not_before is not None:
        return replace(history, not_before=not_before)
    return replace(history, period_retries=history.period_retries + 1)


def _claim_returned(life: Life, entry: DocumentState) -> tuple[Effect, ...]:
    """Clear the claim of a call that was not taken, if something else brings the event back.

    A source record that is open does, and a blocker or a person that the document waits for. Nothing brings back a
    document that was in doubt, or a revision that was kept behind a doubt: their claim is kept, so that the next owner
    looks the call up and goes on. So is the claim of a call that was proven absent before (`_set_aside`).
    """
    comes_back = life.offset is not None or entry.released_by or entry.rejected
    if not comes_back or life.history.absent is not None:
        return ()
    return (WriteState(replace(with_attempts(life.history, entry), claim=None)),)


def with_attempts(history: History, entry: DocumentState) -> DocumentState:
    """The document state with `attempts` raised by the refusals of this run: each refused call uses up a control id.

    If an update of the existing record may have been executed, the state also forgets which content that record has.
    """
    entry = replace(entry, attempts=max(entry.attempts, history.attempt))
    if history.update_maybe_applied and entry.posted is not None:
        return replace(entry, posted=replace(entry.posted, revision=REVISION_AMBIGUOUS, content="", booked="", said=""))
    return entry


def claimed(history: History, entry: DocumentState, claim: Claim, event: bytes | None) -> DocumentState:
    """The document state while a call is in progress.

    Args:
        history: The history of the work item.
        entry: The document state before.
        claim: The claim of the call.
        event: The event, if no source record will bring it again; else None.
    """
    kept = event if entry.last is not None else None
    return replace(with_attempts(history, entry), claim=claim, parked=kept, marked=None)
