"""Which Sage companies are polled, in whose sessions, and whose documents matter: from the connections in force.

A company is polled once, however many subsidiaries share it. Its session is one at the top level, which with
`showprivate` sees every entity's records and those of the top level, where a payment for several entities is received.
A session in an entity would not see another entity's payments. Where a user may not sign in at the top level, the
setting `entity` asks in the session of each connection instead.

A subsidiary that is paused, or whose side is, imports nothing; what was paid meanwhile is asked for when it goes on.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from domain.categories import Side
from domain.documents import Connection
from domain.keys import parse
from domain.mapping_state import MappingState
from domain.settings import ConnectionSetting, ConnectionStatus

Sessions = Literal["top", "entity"]


@dataclass(frozen=True, slots=True)
class Company:
    """One Sage company to be polled."""

    id: str
    views: Mapping[str, Connection]
    """The sessions to ask in, by name; together they see what there is to see."""
    scopes: frozenset[str]
    """`subsidiary/side` of those whose documents matter."""

    def matters(self, subsidiary_id: str, side: Side) -> bool:
        """Whether payments on that subsidiary's documents are imported."""
        return scope(subsidiary_id, side) in self.scopes

    def without(self, sides: Collection[Side]) -> "Company":
        """The same, but for these sides."""
        scopes = (each for each in self.scopes if not any(each.endswith(f"/{side}") for side in sides))
        return replace(self, scopes=frozenset(scopes)) if sides else self

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that anybody's documents matter on."""
        return tuple(side for side in Side if any(each.endswith(f"/{side}") for each in self.scopes))


def scope(subsidiary_id: str, side: Side) -> str:
    """The name of one side of a subsidiary."""
    return f"{subsidiary_id}/{side}"


def companies(state: MappingState, sessions: Sessions = "top") -> dict[str, Company]:
    """The companies of all active connections. One that cannot be read stands for none, as it does for exports."""
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
    return {name: Company(name, dict(sorted(found.items())), frozenset(scopes[name])) for name, found in views.items()}
