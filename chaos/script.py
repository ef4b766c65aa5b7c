"""What is sent: documents of every kind, revisions of invoices, the same bytes again, records that are never posted.

Everything is decided before the run begins. `ScriptedRecord.number` travels with the record as a header, so that what
was sent is read back from the topic itself, whatever became of the producer that sent it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chaos.neighbours import NEIGHBOURS, among_neighbours, moved_to
from demo.events import BookedLine, Booking, Event, ExpectedOutcome, bad_events, drafts
from demo.events.draft import EventDraft
from demo.events.invoices import load_invoice
from demo.events.maker import Maker, encoded
from demo.events.world import HIGHLINE

HEADER = "chaos"
"""The record header that holds an item's number."""
BAD_EVERY = 400
"""One batch of every bad kind for so many events."""
REVISED = 0.4
"""The share of invoices that have later revisions; `AT_ONCE` of these come right behind the document."""
AT_ONCE = 0.5
REDELIVERED = 0.2
"""The share of records that come once more, byte for byte."""
HELD_UP = 0.15
"""The share of records that come later than the next revision of their document may."""
SOON = 30
"""Places in the script within which a later revision, or a redelivery, comes one time in two; else anywhere after."""


@dataclass(frozen=True, slots=True)
class ScriptedRecord:
    """One record to be sent. A redelivery is an item of its own with the same bytes."""

    number: int
    topic: str
    key: bytes | None
    value: bytes | None
    ends: ExpectedOutcome
    """How it ends if nothing else happened to its document; `POSTED` where it may be what stands in Sage."""
    booking: Booking | None
    """What stands in Sage if this record is the one that is posted."""
    story: str
    emitted: tuple[datetime, int, str] | None = None
    """By which the records of one document are ordered; None where nothing is booked."""
    partition: int | None = None
    """Where it has to go; None: where its key leads."""


def script(
    seed: int | str, events: int, first_number: int = 2_000_001, *, neighbours: bool = False
) -> list[ScriptedRecord]:
    """So many records, give or take a batch of bad ones; most revisions of one document stand in their order.

    With `neighbours`, some of the documents are those of slow and hanging companies.
    """
    maker = Maker(seed, first_number)
    places: list[tuple[float, int, Event]] = []
    for event, place in _placed(maker, events, neighbours=neighbours):
        places.append((place, len(places), event))
    places.sort(key=lambda each: each[:2])
    return [_item(number, event) for number, (_, _, event) in enumerate(places)]


def comparison(
    seed: int | str, documents: int, first_record: int, first_number: int
) -> tuple[list[ScriptedRecord], list[ScriptedRecord]]:
    """Documents for the comparison of throughput: so many of healthy companies, twice, and so many of neighbours.

    Args:
        seed: Repeats them.
        documents: How many of each.
        first_record: The number of the first record.
        first_number: The first number of a document; those of the script are smaller.
    """
    maker = Maker(f"comparison {seed}", first_number)
    healthy = drafts(maker, 2 * documents)
    ill = [moved_to(maker.pick(NEIGHBOURS), load_invoice(maker, HIGHLINE)) for _ in range(documents)]
    items = [_item(first_record + number, draft.posted()) for number, draft in enumerate([*healthy, *ill])]
    return items[: 2 * documents], items[2 * documents :]


def _placed(maker: Maker, events: int, *, neighbours: bool) -> Iterator[tuple[Event, float]]:
    """Events with their place between 0 and `events`."""
    bad = [event for _ in range(max(1, events // BAD_EVERY)) for event in bad_events(maker)]
    for event in bad:
        yield event, maker.random.random() * events
    made, good = len(bad), iter(drafts(maker, events))
    while made < events:
        draft = next(good)
        if neighbours:
            draft = among_neighbours(maker, draft)
        place = maker.random.random() * events
        for event in _story_of(maker, draft):
            yield event, _later(maker, place, events) if maker.chance(HELD_UP) else place
            made += 1
            if maker.chance(REDELIVERED):
                yield replace(event, story=f"{event.story}, delivered again"), _later(maker, place, events)
                made += 1
            place = place + 0.001 if maker.chance(AT_ONCE) else _later(maker, place, events)


def _later(maker: Maker, place: float, events: int) -> float:
    if maker.chance(0.5):
        return place + maker.random.random() * SOON
    return place + maker.random.random() * max(events - place, 1.0)


def _story_of(maker: Maker, draft: EventDraft) -> Iterator[Event]:
    """The document, then what is said of it later, in order."""
    yield draft.posted()
    if draft.booking.sage_object != "ARINVOICE" or not maker.chance(REVISED):
        return
    for number in range(1, maker.random.randint(1, 3) + 1):
        draft = _with_one_line_more(maker, draft, number)
        yield draft.posted()


def _with_one_line_more(maker: Maker, draft: EventDraft, number: int) -> EventDraft:
    """The next revision of an invoice: the same with another charge, so that its total tells which one it is."""
    revised = draft.later(f"{draft.story.partition(',')[0]}, revision {number}", number)
    invoice = revised.event["data"]["invoice"]
    line, cents = invoice["lineItems"][0], maker.cents(10, 90)
    amount = line["amount"] | {"amount": f"{cents / 100:.2f}"}
    invoice["lineItems"].append(
        {
            "id": f"rev-{number}",
            "category": "Accessorial",
            "name": "Detention",
            "loadNumber": line["loadNumber"],
            "amount": amount,
        }
    )
    total = draft.booking.cents + cents
    invoice["total"] = invoice["total"] | {"amount": f"{total // 100}.{total % 100:02d}"}
    lines = (*draft.booking.lines, BookedLine("accessorials", "Detention", cents))
    return replace(revised, booking=replace(draft.booking, lines=lines))


def _item(number: int, event: Event) -> ScriptedRecord:
    expected = event.expectation
    # One that waits for a setting which comes before the end is posted then, like any other.
    ends = ExpectedOutcome.POSTED if expected.booking is not None else expected.outcome
    emitted = _emitted(event.value or b"") if expected.booking is not None else None
    return ScriptedRecord(number, event.topic, event.key, event.value, ends, expected.booking, event.story, emitted)


def sent_again(item: ScriptedRecord, number: int) -> ScriptedRecord:
    """The document as upstream sends it once more for a person: in a new event, a second newer."""
    event = json.loads(item.value or b"")
    at = datetime.fromisoformat(event["timestamp"]) + timedelta(seconds=1)
    value = encoded(event | {"id": f"{event['id']}-{number}", "timestamp": at.isoformat()})
    story = f"{item.story}, sent again by a person"
    return replace(item, number=number, value=value, story=story, emitted=_emitted(value))


def _emitted(value: bytes) -> tuple[datetime, int, str]:
    """Time, then id, of which the shorter is older (docs/contract.md)."""
    event = json.loads(value)
    return datetime.fromisoformat(event["timestamp"]), len(event["id"]), event["id"]


def probe(number: int, topic: str, partition: int) -> ScriptedRecord:
    """A record that no Sage is needed for: its dead letter shows that the partition is open and outcomes flow."""
    key = f"probe/{number}".encode()
    return ScriptedRecord(
        number, topic, key, b"probe", ExpectedOutcome.DEAD, None, "a probe after a kill", partition=partition
    )
