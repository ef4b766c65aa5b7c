"""The table of docs/exactly-once.md, worked out by asking `transition` about each state and event."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

from consumers.export.protocol.decide import NextStep
from consumers.export.protocol.document_state import Claim, DocumentState, Posted
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import (
    BetweenCalls,
    Claimed,
    ClaimForbidden,
    ClaimRenewed,
    ClaimWritten,
    Completed,
    DatedAnew,
    Decided,
    DoubtWritten,
    Ended,
    Ending,
    Event,
    History,
    InDoubt,
    Life,
    LifecycleError,
    Mapped,
    NotTaken,
    Parked,
    Planned,
    Returned,
    SaidExecuted,
    Sending,
    SetAside,
    State,
    TakenOver,
    Unanswered,
    Waiting,
    Written,
    transition,
)
from consumers.export.protocol.reconcile import NeedsPerson, NotProvenYet, Renumber, SendAgain
from consumers.export.protocol.steps import NoLongerPosted
from domain.documents import Connection, SageObject
from domain.outcomes import Outcome

_SAGE = Connection("sub-1", "ACME", None, "acme")
_CLAIM = Claim("r", "c", 0, _SAGE, SageObject.AR_INVOICE, "77", "C-1", Decimal(1), datetime(2026, 7, 1, tzinfo=UTC))
_POSTED = Posted("r", "9", "c", _SAGE, SageObject.AR_INVOICE, "77", "C-1")
_RESULT, _WAITS = ExportResult(Outcome.POSTED, posted=_POSTED), ExportResult(Outcome.DEFERRED, blocked_by=("k",))

STATES: dict[str, State] = {
    "Waiting": Waiting(),
    "Planned": Planned(),
    "Claimed": Claimed(_CLAIM, 0.0),
    "InDoubt": InDoubt(_CLAIM),
    "BetweenCalls": BetweenCalls(_CLAIM),
    "Ending": Ending(_RESULT, _CLAIM),
    "Ending, to wait": Ending(_WAITS, None),
    "Parked": Parked(),
    "Completed": Completed(),
}
EVENTS: dict[str, Event] = {
    "Decided: map": Decided(NextStep.MAP),
    "Decided: look up": Decided(NextStep.RECONCILE, _CLAIM),
    "Decided: answered": Decided(_RESULT),
    "Decided: nothing": Decided(None),
    "Mapped: to send": Mapped(None, 0),
    "Mapped: a result": Mapped(_WAITS, 0),
    "Mapped: as refused": Mapped(None, 0, repeats_refusal=True),
    "ClaimWritten": ClaimWritten(_CLAIM, 0.0),
    "ClaimForbidden": ClaimForbidden(2),
    "Sending": Sending(),
    "NotTaken": NotTaken(),
    "DatedAnew": DatedAnew(date(2026, 7, 2)),
    "Unanswered": Unanswered(),
    "ClaimRenewed": ClaimRenewed(_CLAIM),
    "SaidExecuted": SaidExecuted(),
    "NotProvenYet": NotProvenYet("it is not in sage yet"),
    "NeedsPerson": NeedsPerson("sage contradicts itself"),
    "SendAgain": SendAgain(),
    "Renumber": Renumber(),
    "NoLongerPosted": NoLongerPosted("it was reversed"),
    "Ended": Ended(_RESULT),
    "SetAside": SetAside(_WAITS),
    "SetAside: proven absent": SetAside(_WAITS),
    "Returned": Returned(),
    "TakenOver": TakenOver(),
    "DoubtWritten": DoubtWritten(),
    "Written": Written(),
}
_ENTRY = DocumentState("invoice/77")


def table() -> str:
    """A row for each event: the states in which it can happen, the state after it, and the effects."""
    lines = ["| event | state before | state after | effects |", "|---|---|---|---|"]
    lines += [f"| {event} | {before} | {after} | {effects} |" for event, before, after, effects in _rows()]
    return "\n".join(lines)


def missing() -> set[str]:
    """Names of states and events that the table has no sample of."""
    seen = {type(each).__name__ for each in (*STATES.values(), *EVENTS.values())}
    return {each.__name__ for each in (*get_args(State), *get_args(Event))} - seen


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for event_name, event in EVENTS.items():
        found: dict[tuple[str, str], list[str]] = {}
        for state_name, state in STATES.items():
            if isinstance(state, Completed | Parked):
                continue  # below the table, in words: nothing happens to them
            acknowledged = _CLAIM if isinstance(event, ClaimForbidden) else None
            absent = _CLAIM if event_name.endswith("proven absent") else None
            history = History(absent=absent, acknowledged=acknowledged)
            life = replace(Life(0), state=state, history=history)
            try:
                after, effects = transition(life, event, lambda: _ENTRY, "r")
            except LifecycleError:
                continue
            names = ", ".join(type(each).__name__ for each in effects) or "none"
            same = type(after.state) is type(state)
            next_state = "the same" if same else f"`{type(after.state).__name__}`"
            found.setdefault((next_state, names), []).append(state_name)
        for (next_state, names), before in found.items():
            yield event_name, " ".join(f"`{each}`" for each in before), next_state, names
