"""What stands in Sage, held against what was sent. Asked of the simulator's own database, never of our results."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from demo.events import Booking
from demo.traffic import Sent

TIMEOUT = 30.0
Name = tuple[str, str, str, str]
"""Company, object, number, party: what makes a document one document."""


@dataclass(slots=True)
class Audit:
    """The findings. `lost`: expected and not there. `twice`: there more than once. `wrong`: all else, in words."""

    expected: int = 0
    standing: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether Sage holds what it should, no more and no less."""
        return not (self.lost or self.twice or self.wrong)


WORTH_NOTHING = ("Reversed", "Reversal")
"""A document that was reversed, and the transaction that Sage adds to take it back."""


async def documents(admin_url: str) -> list[dict[str, Any]]:
    """Every AR invoice and AP bill in the simulator's database, with its lines."""
    async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT) as http:
        answer = await http.get(f"{admin_url}/documents")
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["documents"]
        return found


def audit(sent: Iterable[Sent], standing: list[dict[str, Any]]) -> Audit:
    """Compare: each document expected once, as its last revision, to the cent, and nothing beside them but reversed."""
    standing = [document for document in standing if document.get("state") not in WORTH_NOTHING]
    found = Audit(standing=len(standing))
    last = {(each.event.topic, each.event.key): each for each in sent if each.event.expectation.booking is not None}
    there: defaultdict[Name, list[dict[str, Any]]] = defaultdict(list)
    for document in standing:
        there[(document["company"], document["kind"], document["number"], document["party_id"])].append(document)
    for each in last.values():
        booking = each.event.expectation.booking
        if booking is None:
            continue
        found.expected += 1
        ours = there.pop((booking.company, booking.sage_object, booking.number, booking.party), [])
        name = f"{booking.sage_object} {booking.number} of {booking.party} in {booking.company}"
        if not ours:
            found.lost.append(name)
        elif len(ours) > 1:
            found.twice.append(f"{name}: {len(ours)} times")
        else:
            found.wrong += [f"{name}: {difference}" for difference in _differences(booking, each.accounts, ours[0])]
    found.wrong += [f"{' '.join(name)} was not to be posted" for name in there]
    return found


def _differences(booking: Booking, accounts: tuple[str, ...], document: dict[str, Any]) -> list[str]:
    lines = document["lines"]
    amounts = [_cents(line["amount"]) for line in lines]
    pairs: tuple[tuple[str, object, object], ...] = (
        ("total in cents", booking.cents, _cents(document["total"])),
        ("lines", len(booking.lines), len(lines)),
        ("amounts", [line.cents for line in booking.lines], amounts),
        ("accounts", list(accounts), [line["account"] for line in lines]),
    )
    return [f"{what}: expected {wanted}, found {there}" for what, wanted, there in pairs if wanted != there]


def _cents(text: str) -> int:
    return int(Decimal(text) * 100)
