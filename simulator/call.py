"""One function being executed: who asks, in which company, and what of it they may see.

Source: Sage developer documentation, web-services/queries: data private to an entity is read from the top level only
with `showprivate`. An entity sees its own records and those of the top level, never another entity's. For the
functions that have no such option (`read`, `readByName`, `readByQuery`) nothing is documented: here they hide private
data at the top level, so that a client cannot come to rely on seeing it.
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
class Outcome:
    """What a function that succeeded gives back: a key (legacy), data (generic), or neither."""

    key: str | None = None
    data: Element | None = None


@dataclass(frozen=True, slots=True)
class Visibility:
    """A condition on MEGAENTITYID with its values."""

    sql: str
    values: tuple[Value, ...]

    @classmethod
    def of(cls, session: Session, *, show_private: bool = False) -> "Visibility":
        """What a session sees."""
        if session.entity:
            return cls("t.MEGAENTITYID IN ('', ?)", (session.entity,))
        return cls("1" if show_private else "t.MEGAENTITYID = ''", ())


@dataclass(frozen=True, slots=True)
class Call:
    """A function's surroundings."""

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
        """Where everything is kept."""
        return self.store.database

    @property
    def company(self) -> str:
        """The company signed in to."""
        return self.session.company

    @property
    def config(self) -> Config:
        """How that company is set up."""
        return self.store.setup(self.company).config

    def object_type(self, name: str) -> ObjectType:
        """An object by name; refused where the company has none or the user may not use it."""
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
        """A master record by its id, where the company has such and this session sees it.

        Found once, it holds for this function.
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
        """A record by its number, where this session can see it: its own entity's, or any from the top level."""
        if not number.isdecimal():
            return None
        visible = Visibility.of(self.session, show_private=True)
        return self.database.one(
            f'SELECT t.* FROM "{table}" t WHERE t.COMPANY = ? AND t.RECORDNO = ? AND {visible.sql}',  # noqa: S608 -- as above
            (self.company, int(number), *visible.values),
        )
