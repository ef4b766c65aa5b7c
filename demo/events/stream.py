"""Whole streams: good documents of every kind with the bad ones among them, and what follows on them later.

Order matters only within a document. `first` comes before `second`; `second` holds later revisions of documents of
`first`, and documents of its own. `first` and `second` one after the other are a stream, too.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from demo.events import carriers, drivers, fuel_and_tolls
from demo.events.broken import broken
from demo.events.draft import EventDraft
from demo.events.expect import Event, Expectation, ExpectedOutcome
from demo.events.faulty import contradictory, deferred, partyless, refused_by_sage, skipped
from demo.events.invoices import load_invoice, one_line, summary_invoice
from demo.events.maker import Maker
from demo.events.world import TRANSPORT

Make = Callable[[Maker], EventDraft]
MIX: tuple[tuple[int, Make], ...] = (
    (8, load_invoice),
    (2, summary_invoice),
    (4, drivers.statement),
    (2, carriers.statement),
    (3, carriers.bill),
    (5, fuel_and_tolls.fuel),
    (4, fuel_and_tolls.toll),
)
"""How many of each kind come in a row."""
LATER_EVERY = 12
"""One posted document in so many is changed later, another is told again in other words."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Two halves of one stream."""

    first: list[Event]
    second: list[Event]

    @property
    def events(self) -> list[Event]:
        """All of it, in an order in which the expectations hold."""
        return [*self.first, *self.second]


def stream(seed: int = 1, good: int = 300) -> Stream:
    """So many good documents, half of them in each half of the stream, and one of every bad kind in each half."""
    maker = Maker(seed)
    made = drafts(maker, good)
    early, late = made[: good // 2], made[good // 2 :]
    first = [*(draft.posted() for draft in early), *bad_events(maker)]
    second = [*(draft.posted() for draft in late), *bad_events(maker)]
    zero, then = _zero_then_not(maker)
    first.append(zero)
    second.append(then)
    second += [_changed(draft) for draft in early[::LATER_EVERY]]
    second += [_told_again(draft) for draft in early[1::LATER_EVERY]]
    maker.random.shuffle(first)
    maker.random.shuffle(second)
    return Stream(first, second)


def good_events(seed: int, count: int, kind: Make | None = None) -> list[Event]:
    """Documents that are all posted; of one kind, if one is named."""
    maker = Maker(seed)
    return [(kind(maker) if kind else _draft(maker, number)).posted() for number in range(count)]


def redelivered(events: Sequence[Event], share: float, seed: int) -> list[Event]:
    """A part of the records once more, byte for byte: what was posted is answered from memory, all else as before.

    An older revision comes too late. Documents whose setting is still to come are left out: of two deliveries that
    wait, one would be posted for both.
    """
    stands = {event.key: event for event in events if event.expectation.booking is not None}
    candidates = [event for event in events if not _waits(event)]
    chosen = Random(seed).sample(candidates, round(len(candidates) * share))
    return [_again(event, stands.get(event.key)) for event in chosen]


def drafts(maker: Maker, count: int) -> list[EventDraft]:
    """So many good documents of every kind, for a caller who makes revisions of them."""
    return [_draft(maker, number) for number in range(count)]


def _draft(maker: Maker, number: int) -> EventDraft:
    place = number % sum(weight for weight, _ in MIX)
    for weight, make in MIX:
        if place < weight:
            return make(maker)
        place -= weight
    raise AssertionError(number)


def bad_events(maker: Maker) -> Iterable[Event]:
    """One of every kind that is not posted, or not at once."""
    for family in (skipped, deferred, contradictory, partyless, refused_by_sage, broken):
        yield from family(maker)


def _zero_then_not(maker: Maker) -> tuple[Event, Event]:
    """An invoice of nothing, and its revision that is something."""
    something = one_line(maker, TRANSPORT, 17_500)
    later = something.later("of nothing before, now of something")
    zero = something.copy("an invoice of nothing")
    invoice = zero.event["data"]["invoice"]
    invoice["lineItems"][0]["amount"] = invoice["total"] = maker.money(0)
    return zero.ends(ExpectedOutcome.SKIPPED, "ZERO_TOTAL"), later.posted()


def _changed(draft: EventDraft) -> Event:
    """The document says something else after it was posted: what stands is reversed, and this takes its place."""
    changed = draft.later(f"{draft.story}, changed after posting")
    data = changed.event["data"]
    if "invoice" in data:
        data["invoice"]["number"] += "-B"
        changed = replace(changed, booking=replace(changed.booking, number=f"{changed.booking.number}-B"))
    elif "fuel" in data:
        data["fuel"]["transactionDate"] = "2026-06-30T00:00:00Z"
    elif "toll" in data:
        data["toll"]["transactionDate"] = "2026-06-30T00:00:00Z"
    elif "trip" in data:
        data["trip"]["carrier"]["carrierInvoiceNumber"] += "-B"
    else:
        data["statement"]["statementDate"] = "2026-06-30"
    return changed.ends(ExpectedOutcome.REVERSED, booking=changed.booking)


def _told_again(draft: EventDraft) -> Event:
    """The same document in another event, with other things around it: nothing that is booked has changed."""
    again = draft.copy(f"{draft.story}, told again in other words")
    again.event.update({"id": f"{again.event['id']}-again", "timestamp": "2026-06-30T08:00:00Z", "attempt": 2})
    return again.ends(ExpectedOutcome.ALREADY_POSTED)


def _again(event: Event, stands: Event | None) -> Event:
    """The record once more. `stands`: the newest one of its document that is booked."""
    expectation = event.expectation
    if event is stands:
        expectation = Expectation(ExpectedOutcome.ALREADY_POSTED)
    elif stands is not None and expectation.outcome in (ExpectedOutcome.POSTED, ExpectedOutcome.SKIPPED):
        expectation = Expectation(ExpectedOutcome.SKIPPED, "SUPERSEDED")
    return replace(event, expectation=expectation, story=f"{event.story}, delivered again")


def _waits(event: Event) -> bool:
    return event.expectation.outcome is ExpectedOutcome.DEFERRED and event.expectation.booking is not None
