"""Records that are no event of their topic: every one of them is a dead letter, untouched."""

from collections.abc import Iterator
from typing import Any

from demo.events import fuel_and_tolls
from demo.events.draft import EventDraft
from demo.events.expect import INVOICES, SETTLEMENTS, TOLLS, Event, Expectation, ExpectedOutcome
from demo.events.invoices import load_invoice
from demo.events.maker import Maker, encoded


def broken(maker: Maker) -> Iterator[Event]:
    """One of each."""
    yield from _bytes(maker)
    yield from _envelopes(maker)
    yield from _fields(maker)
    misplaced = fuel_and_tolls.toll(maker).copy("a toll on the settlements' topic")
    yield Event(
        SETTLEMENTS,
        misplaced.key.encode(),
        encoded(misplaced.event),
        Expectation(ExpectedOutcome.DEAD, "WRONG_TOPIC"),
        misplaced.story,
    )
    yield Event(INVOICES, None, b"hello", Expectation(ExpectedOutcome.DEAD, "MALFORMED_JSON"), "no key and no JSON")
    yield Event(
        TOLLS, b"\xff\xfe", b"[]", Expectation(ExpectedOutcome.DEAD, "SCHEMA_VIOLATION"), "a key that is no text"
    )


def _bytes(maker: Maker) -> Iterator[Event]:
    good = load_invoice(maker)
    text = encoded(good.event)
    total = encoded(good.event["data"]["invoice"]["total"]["amount"])
    for story, value in (
        ("half a record", text[: len(text) // 2]),
        ("not UTF-8", text.replace(b"LoadInvoice", b"Load\xe9Invoice")),
        ("an empty value", b""),
        ("a tombstone", None),
        ("not a number", text.replace(total, b"NaN")),
        ("a field given twice", text.replace(b'"version":"v1"', b'"version":"v1","version":"v1"')),
    ):
        yield good.copy(story).dead("MALFORMED_JSON", value, raw=True)


def _envelopes(maker: Maker) -> Iterator[Event]:
    for story, code, changes in (
        ("an unknown type", "UNKNOWN_TYPE", {"type": "invoice.voided"}),
        ("another topic's type", "WRONG_TOPIC", {"type": "toll.transaction.created"}),
        ("a later version", "UNKNOWN_VERSION", {"version": "v2"}),
        ("a version that is a number", "SCHEMA_VIOLATION", {"version": 1}),
        ("no data", "SCHEMA_VIOLATION", {"data": None}),
        ("no id", "SCHEMA_VIOLATION", {"id": ""}),
        ("a time without offset", "SCHEMA_VIOLATION", {"timestamp": "2026-06-10T16:05:22"}),
    ):
        yield _changed(load_invoice(maker), story, changes).dead(code)


def _fields(maker: Maker) -> Iterator[Event]:
    missing = load_invoice(maker).copy("no total")
    del missing.event["data"]["invoice"]["total"]
    yield missing.dead("SCHEMA_VIOLATION")
    wrong = load_invoice(maker).copy("true as an amount")
    wrong.event["data"]["invoice"]["total"]["amount"] = True
    yield wrong.dead("SCHEMA_VIOLATION")
    words = load_invoice(maker).copy("an amount in words")
    words.event["data"]["invoice"]["total"]["amount"] = "1,250.00"
    yield words.dead("SCHEMA_VIOLATION")
    control = load_invoice(maker).copy("a control character in a number")
    control.event["data"]["invoice"]["number"] = "10\x0742"
    yield control.dead("SCHEMA_VIOLATION")
    undecided = fuel_and_tolls.fuel(maker).copy("not said whether it is deducted")
    del undecided.event["data"]["deductFuel"]
    yield undecided.dead("SCHEMA_VIOLATION")
    nameless = fuel_and_tolls.toll(maker).copy("no subsidiary")
    nameless.event["data"]["toll"]["subsidiaryId"] = None
    yield nameless.dead("SCHEMA_VIOLATION")


def _changed(draft: EventDraft, story: str, changes: dict[str, Any]) -> EventDraft:
    changed = draft.copy(story)
    changed.event.update(changes)
    return changed
