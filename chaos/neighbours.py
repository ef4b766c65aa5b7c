"""Companies that answer slowly or not at all, among the healthy ones: copies of Highline, each with its own documents.

Some of Highline's documents become a neighbour's: the event names the neighbour's subsidiary, and the document is to
stand in the neighbour's company. `SLOW` answers each request late, `HANGS` accepts requests and answers none,
`HANGS_AT_TIMES` does so for some seconds, and then not for some.
"""

import json
from dataclasses import replace
from typing import Any

from chaos.mappings import original_settings
from demo.events import Booking
from demo.events.draft import EventDraft
from demo.events.maker import Maker
from demo.events.world import HIGHLINE, DemoSubsidiary
from demo.rig import companies
from simulator.seed import Company

SLOW, HANGS, HANGS_AT_TIMES = (
    DemoSubsidiary(f"b7c8d9e0-0000-0000-0000-{number:012d}", name, "Carrier", company)
    for number, name, company in (
        (101, "Slowwater Carriers Inc", "SLOWWATER"),
        (102, "Stillwater Carriers Inc", "STILLWATER"),
        (103, "Fitfull Carriers Inc", "FITFULL"),
    )
)
NEIGHBOURS = (SLOW, HANGS, HANGS_AT_TIMES)
HEALTHY = "healthy"
CLASSES = {SLOW.company: "slow", HANGS.company: "hangs", HANGS_AT_TIMES.company: "hangs at times"}
"""By company: what the report calls it. Every other company is healthy."""
SHARE = 0.6
"""The share of Highline's documents that become a neighbour's."""


def company_class(booking: Booking) -> str:
    """The class of the company that a document belongs to."""
    return CLASSES.get(booking.company, HEALTHY)


def neighbours_companies() -> list[Company]:
    """The Sage companies: Highline's accounts, parties and users under other ids."""
    [highline] = [each for each in companies() if each.company_id == HIGHLINE.company]
    return [highline.model_copy(update={"company_id": each.company, "name": each.name}) for each in NEIGHBOURS]


def neighbours_settings() -> dict[str, dict[str, Any]]:
    """The settings by key: Highline's under other ids."""
    found = {key: value for key, value in original_settings().items() if key.startswith(HIGHLINE.id)}
    return {
        each.id + key.removeprefix(HIGHLINE.id): value | ({"companyId": each.company} if "companyId" in value else {})
        for each in NEIGHBOURS
        for key, value in found.items()
    }


def among_neighbours(maker: Maker, draft: EventDraft) -> EventDraft:
    """The draft; or, for a share of Highline's, the same document of a neighbour."""
    if draft.booking.subsidiary != HIGHLINE.id or not maker.chance(SHARE):
        return draft
    return moved_to(maker.pick(NEIGHBOURS), draft)


def moved_to(neighbour: DemoSubsidiary, draft: EventDraft) -> EventDraft:
    """A document of Highline as the neighbour's."""
    event = json.dumps(draft.event).replace(HIGHLINE.id, neighbour.id).replace(HIGHLINE.name, neighbour.name)
    booking = replace(draft.booking, subsidiary=neighbour.id, company=neighbour.company)
    key = draft.key.replace(HIGHLINE.id, neighbour.id)
    return replace(draft, key=key, event=json.loads(event), booking=booking)
