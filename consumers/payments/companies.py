"""The Sage companies to poll, with their sessions and subsidiaries, derived from the connections in force.

A company is polled once, however many subsidiaries share it. The poll uses a session at the top level: with
`showprivate` it sees the records of every entity, and those of the top level, where a payment for several entities is
received. A session in an entity would not see another entity's payments. Where a user may not sign in at the top level,
the setting `entity` makes the poller query in the session of each connection instead.

Payments are not imported for a paused subsidiary or a side that is off. After it is resumed, the poller queries the
payments made in the meantime.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from domain.categories import Side
from domain.documents import Connection
from domain.settings.keys import parse
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting, ConnectionStatus

Sessions = Literal["top", "entity"]


@dataclass(frozen=True, slots=True)
class PolledCompany:
    """One Sage company to be polled."""

    id: str
    sessions: Mapping[str, Connection]
    """The sessions to query in, by name. Together they see all payments of the company."""
    subsidiaries_and_sides: frozenset[str]
    """The `subsidiary/side` pairs whose payments are imported."""

    def is_imported(self, subsidiary_id: str, side: Side) -> bool:
        """Whether payments on the documents of this side of the subsidiary are imported."""
        return scope(subsidiary_id, side) in self.subsidiaries_and_sides

    def without(self, sides: Collection[Side]) -> "PolledCompany":
        """A copy of the company that does not import these sides."""
        scopes = (each for each in self.subsidiaries_and_sides if not any(each.endswith(f"/{side}") for side in sides))
        return replace(self, subsidiaries_and_sides=frozenset(scopes)) if sides else self

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that at least one subsidiary imports payments on."""
        return tuple(side for side in Side if any(each.endswith(f"/{side}") for each in self.subsidiaries_and_sides))


def scope(subsidiary_id: str, side: Side) -> str:
    """The name of one side of a subsidiary."""
    return f"{subsidiary_id}/{side}"


def companies(state: MappingState, sessions: Sessions = "top") -> dict[str, PolledCompany]:
    """Find the companies of all active connections, by company id.

    A connection record that cannot be read counts as no connection, as it does for exports.

    Args:
        state: The settings in force.
        sessions: "top": one session at the top level of each company. "entity": one session per connection's entity.
    """
    views: dict[str, dict[str, Connection]] = {}
    scopes: dict[str, set[str]] = {}
    for record in state.connections():
        setting = record.value
        if not isinstance(setting, ConnectionSetting) or setting.state is not ConnectionStatus.ACTIVE:
            continue
        subsidiary_id = parse(record.key).subsidiary_id
        entity_id = setting.entity_id if sessions == "entity" else None
        view = Connection(subsidiary_id, setting.company_id, entity_id, setting.credentials)
        active = {side for side, on in ((Side.AR, setting.ar.active), (Side.AP, setting.ap.active)) if on}
        if active:
            views.setdefault(setting.company_id, {}).setdefault(f"{setting.credentials}/{entity_id or ''}", view)
            scopes.setdefault(setting.company_id, set()).update(scope(subsidiary_id, side) for side in active)
    return {
        name: PolledCompany(name, dict(sorted(found.items())), frozenset(scopes[name])) for name, found in views.items()
    }
