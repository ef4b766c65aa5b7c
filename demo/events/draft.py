"""A document in the making: the event, and next to it what is to stand in Sage. Bad ones are good ones, spoiled."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from demo.events.expect import BookedLine, Booking, Event, Expectation, ExpectedOutcome
from demo.events.maker import encoded, record
from demo.events.world import DemoSubsidiary, Party


@dataclass(frozen=True, slots=True)
class EventDraft:
    """`event` is the JSON to be; whoever changes it works on a `copy`."""

    topic: str
    key: str
    event: dict[str, Any]
    booking: Booking
    story: str

    def copy(self, story: str) -> Self:
        """The same document, its event the caller's own to change."""
        return replace(self, event=copy.deepcopy(self.event), story=story)

    def later(self, story: str, minutes: int = 1) -> Self:
        """The same document in a newer event, as upstream tells of a change."""
        newer = self.copy(story)
        at = datetime.fromisoformat(self.event["timestamp"]) + timedelta(minutes=minutes)
        newer.event.update({"id": f"{self.event['id']}-{minutes}", "timestamp": at.isoformat()})
        return newer

    def posted(self) -> Event:
        """It is good."""
        return self.ends(ExpectedOutcome.POSTED, booking=self.booking)

    def ends(self, outcome: ExpectedOutcome, code: str | None = None, booking: Booking | None = None) -> Event:
        """It ends like this."""
        return record(self.topic, self.key, self.event, Expectation(outcome, code, booking), self.story)

    def dead(self, code: str, value: bytes | None = None, *, raw: bool = False) -> Event:
        """It ends as a dead letter; `raw` sends `value` in place of the event, None included."""
        sent = value if raw else encoded(self.event)
        return Event(self.topic, self.key.encode(), sent, Expectation(ExpectedOutcome.DEAD, code), self.story)


def invoice_booking(subsidiary: DemoSubsidiary, number: str, party: Party, lines: Sequence[BookedLine]) -> Booking:
    """An AR invoice."""
    return Booking(subsidiary.id, subsidiary.company, "ARINVOICE", number, party.sage_id, tuple(lines))


def bill_booking(subsidiary: DemoSubsidiary, number: str, vendor: str, lines: Sequence[BookedLine]) -> Booking:
    """An AP bill."""
    return Booking(subsidiary.id, subsidiary.company, "APBILL", number, vendor, tuple(lines))
