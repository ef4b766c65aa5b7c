"""What the demonstration does, in order. It waits for answers, never for time to pass."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx

from demo.accounts import Accounts
from demo.audit import TIMEOUT, Audit, audit, documents
from demo.events import Event, ExpectedOutcome, redelivered, stream
from demo.events.world import CONNECTED, LATE_PROVIDER, LATE_VENDOR, TRANSPORT
from demo.payments import Payments, pay_some
from demo.rig import SETTINGS, Rig
from demo.samples import samples
from demo.screen import Screen
from demo.traffic import EventTraffic, Sent

SEED = 20260610
SHARE_AGAIN = 0.3
DETENTION = "40110"
"""The account that detention gets half-way; before, its category's account answers."""
_CREATES = {"create", "create_invoice", "create_bill"}


@dataclass(slots=True)
class DemoRun:
    """All that was seen."""

    sent: list[Sent]
    audit: Audit
    documents: list[dict[str, Any]]
    again: list[Sent]
    """The records that were delivered a second time."""
    creates_again: int
    """Create functions that Sage was sent while those were answered."""
    strays: int
    """Answers to records that nobody sent."""
    payments: Payments

    @property
    def unexpected(self) -> list[Sent]:
        """Records that ended otherwise than an independent reader of the rules expects."""
        return [each for each in self.sent if not as_expected(each)]

    @property
    def sound(self) -> bool:
        """Whether everything is as it should be."""
        return (
            self.audit.sound
            and not self.creates_again
            and not self.unexpected
            and not self.strays
            and self.payments.sound
        )


def as_expected(sent: Sent) -> bool:
    """Whether the first answer is the expected one, and what waits or is corrected was posted after it."""
    wanted = sent.event.expectation
    if not sent.answers or str(sent.answers[0]) != str(wanted):
        return False
    goes_on = wanted.outcome in (ExpectedOutcome.DEFERRED, ExpectedOutcome.REVERSED) and wanted.booking
    last = "posted" if goes_on else wanted.outcome
    return sent.answers[-1].outcome == last


async def play(rig: Rig, screen: Screen, good: int) -> DemoRun:
    """All acts.

    Raises:
        DemoError: An answer did not come.
    """
    accounts = Accounts(SETTINGS)
    halves = stream(SEED, good)
    async with EventTraffic(rig, accounts) as traffic:
        await _act(traffic, screen, "events, first half, with the contract's samples", [*samples(), *halves.first])

        screen.say(f"an accountant gives AR Accessorials/Detention an account of its own: {DETENTION}")
        for subsidiary in CONNECTED[:2]:
            # In a thread: the event loop keeps the Kafka clients alive meanwhile.
            await asyncio.to_thread(
                rig.alvys_sage, "mappings", "set", subsidiary.id, "ar", "Accessorials", "Detention", DETENTION
            )
            accounts.set(f"{subsidiary.id}/account/ar/accessorials/Detention", DETENTION)
        await _act(traffic, screen, "events, second half", halves.second)

        before = await _creates(rig)
        copies = redelivered(halves.events, SHARE_AGAIN, SEED)
        again = await _act(traffic, screen, "records delivered a second time", copies)
        creates = await _creates(rig) - before

        await _release(rig, traffic, screen)
        screen.say("asking the simulator's database what stands in Sage")
        standing = await documents(rig.admin_url)
        sent = list(traffic.sent.values())
        found = audit(sent, standing)
        paid = await pay_some(rig, sent, screen)
        return DemoRun(sent, found, standing, again, creates, len(traffic.strays), paid)


async def _act(traffic: EventTraffic, screen: Screen, text: str, events: list[Event]) -> list[Sent]:
    with screen.counting(text, len(events)) as progress:
        sent = await traffic.send(events)
        await traffic.answered(sent, progress)
        return sent


async def _release(rig: Rig, traffic: EventTraffic, screen: Screen) -> None:
    """Give the late card provider its vendor: what waited for it goes by itself."""
    waiting = [
        each
        for each in traffic.sent.values()
        if each.event.expectation.outcome is ExpectedOutcome.DEFERRED and each.event.expectation.booking
    ]
    screen.say(f"the missing vendor of {LATE_PROVIDER} is set: {LATE_VENDOR}")
    await asyncio.to_thread(rig.alvys_sage, "mappings", "vendor", TRANSPORT.id, "fuel", LATE_PROVIDER, LATE_VENDOR)
    with screen.counting("deferred documents that go by themselves", len(waiting)) as progress:
        await traffic.released(waiting, progress)


async def _creates(rig: Rig) -> int:
    """How many create functions have reached Sage so far."""
    async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT) as http:
        counts = json.loads((await http.get(f"{rig.admin_url}/requests")).content)
    return sum(number for name, number in counts["functions"].items() if name in _CREATES)
