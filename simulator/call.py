"""One function call: its session, its company, and the records that the session may see.

Source: Sage developer documentation, web-services/queries: a top-level session reads data private to an entity only
with `showprivate`. An entity session sees the entity's own records and those of the top level, never another entity's.
For functions without that option (`read`, `readByName`, `readByQuery`) nothing is documented. Here they hide private
data from a top-level session, so that no client comes to rely on seeing it.
"""

from dataclasses import dataclass, field

from lxml.etree import _Element as Element

from simulator.auth import Session
from simulator.catalogue import ObjectType
from simulator.database import Database, Row
from simulator.errors import NOT_DEFINED, PERMISSION, refuse
from simulator.fields import Value
from simulator.seed import Config
from simulator.store import Store


@dataclass(frozen=True, slots=True)
class FunctionSuccess:
    """The answer of a function that succeeded: a key (legacy), data (generic), or neither."""

    key: str | None = None
    data: Element | None = None


@dataclass(frozen=True, slots=True)
class Visibility:
    """An SQL condition on MEGAENTITYID with its values, which selects the records that a session may see."""

    sql: str
    values: tuple[Value, ...]

    @classmethod
    def of(cls, session: Session, *, show_private: bool = False) -> "Visibility":
        """Make the condition for a session. `show_private` matters only at the top level."""
        if session.entity:
            return cls("t.MEGAENTITYID IN ('', ?)", (session.entity,))
        return cls("1" if show_private else "t.MEGAENTITYID = ''", ())


@dataclass(frozen=True, slots=True)
class Call:
    """One function call with its context. `now` is the company's present time stamp."""

    store: Store
    session: Session
    function: str
    control_id: str
    element: Element
    now: str
    endpoint: str
    _found: dict[tuple[str, str], Row] = field(default_factory=dict, repr=False)

    @property
    def database(self) -> Database:
        """The database of the simulator."""
        return self.store.database

    @property
    def company(self) -> str:
        """The id of the company that the session is signed in to."""
        return self.session.company

    @property
    def config(self) -> Config:
        """The configuration of that company."""
        return self.store.setup(self.company).config

    def object_type(self, name: str) -> ObjectType:
        """Find an object by name; raises FunctionError if the company lacks it or the user may not use it."""
        found = self.store.setup(self.company).objects.get(name.upper())
        if found is None:
            raise refuse(NOT_DEFINED, f"Object definition {name} not found")
        self.session.require(self.function, found.name)
        if any(each.name == found.name and each.platform_app for each in self.config.user_dimensions):
            raise refuse(
                PERMISSION, f"You do not have permission for API operation {self.function} on objects of type {name}"
            )
        return found

    def record(self, object_name: str, natural: str) -> Row | None:
        """Find a master record by its id. None if the company has no such record or the session may not see it.

        A record that was found is cached for the rest of the function.
        """
        found = self._found.get((object_name, natural))
        if found is not None:
            return found
        object_type = self.store.setup(self.company).objects.get(object_name)
        if object_type is None:
            return None
        column, visible = object_type.natural_column, Visibility.of(self.session)
        row = self.database.one(
            f'SELECT t.* FROM "{object_type.table}" t WHERE t.COMPANY = ? AND t."{column}" = ? AND {visible.sql}',  # noqa: S608 -- names come from the catalogue, values are bound
            (self.company, natural, *visible.values),
        )
        if row is not None:
            self._found[object_name, natural] = row
        return row

    def document(self, table: str, number: str) -> Row | None:
        """Find a record by its number. None if it does not exist or belongs to another entity than the session's."""
        if not number.isdecimal():
            return None
        visible = Visibility.of(self.session, show_private=True)
        return self.database.one(
            f'SELECT t.* FROM "{table}" t WHERE t.COMPANY = ? AND t.RECORDNO = ? AND {visible.sql}',  # noqa: S608 -- as above
            (self.company, int(number), *visible.values),
        )
