"""The generic `query` function (Sage developer documentation, web-services/queries), paged so that no row is lost.

Each page of an offset is a query of its own, over data that moves; rows are then skipped and repeated. So pages follow
the key: ordered by record number, each asks for what is greater than the last one seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sage_client._text import escape

MAX_PAGE = 2000
"""Rows a page may have (schema of `query`)."""
MAX_VALUES = 1000
"""Values that `in` takes."""


STAMP = "WHENMODIFIED"
"""When a record was last changed, to the second."""


class Operator(StrEnum):
    """The comparisons of a filter, in Sage's names."""

    EQUAL = "equalto"
    NOT_EQUAL = "notequalto"
    LESS = "lessthan"
    LESS_OR_EQUAL = "lessthanorequalto"
    GREATER = "greaterthan"
    GREATER_OR_EQUAL = "greaterthanorequalto"
    BETWEEN = "between"
    IN = "in"
    NOT_IN = "notin"
    LIKE = "like"
    NOT_LIKE = "notlike"
    IS_NULL = "isnull"
    IS_NOT_NULL = "isnotnull"


@dataclass(frozen=True, slots=True)
class Where:
    """One comparison. Values go as they are read: dates `mm/dd/yyyy`, moments `mm/dd/yyyy HH:MM:SS`, never ISO."""

    field: str
    operator: Operator
    values: tuple[str, ...] = ()

    def xml(self) -> str:
        """The operator's element."""
        values = "".join(f"<value>{escape(value)}</value>" for value in self.values)
        return f"<{self.operator}><field>{escape(self.field)}</field>{values}</{self.operator}>"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of the filters."""

    filters: tuple["Filter", ...]

    def xml(self) -> str:
        """`and`, which takes two or more."""
        return _joined("and", self.filters)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the filters."""

    filters: tuple["Filter", ...]

    def xml(self) -> str:
        """`or`, which takes two or more."""
        return _joined("or", self.filters)


Filter = Where | AllOf | AnyOf


def _joined(word: str, filters: tuple[Filter, ...]) -> str:
    inner = "".join(each.xml() for each in filters)
    return inner if len(filters) == 1 else f"<{word}>{inner}</{word}>"


def equal(field: str, value: str) -> Where:
    """The field is the value, letter case included."""
    return Where(field, Operator.EQUAL, (value,))


def one_of(field: str, values: Iterable[str]) -> Where:
    """The field is one of the values."""
    chosen = tuple(values)
    if not 0 < len(chosen) <= MAX_VALUES:
        raise ValueError(f"`in` takes 1 to {MAX_VALUES} values, not {len(chosen)}")
    return Where(field, Operator.IN, chosen)


def since(field: str, moment: str) -> Where:
    """The field is the moment or later."""
    return Where(field, Operator.GREATER_OR_EQUAL, (moment,))


@dataclass(frozen=True, slots=True)
class Query:
    """What to read. `key` is the whole-number field that orders the rows; it is always read too.

    `show_private` lets a session at the top level see what belongs to an entity; without it a document that is there is
    not found.
    """

    object: str
    fields: tuple[str, ...]
    where: Filter | None = None
    key: str = "RECORDNO"
    page_size: int = MAX_PAGE
    show_private: bool = True
    case_insensitive: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.page_size <= MAX_PAGE:
            raise ValueError(f"a page has 1 to {MAX_PAGE} rows, not {self.page_size}")

    def xml(self, after: int | None = None) -> str:
        """The function's element, for the rows whose key is greater than `after`."""
        fields = "".join(f"<field>{escape(name)}</field>" for name in dict.fromkeys((self.key, *self.fields)))
        filters = () if self.where is None else (self.where,)
        if after is not None:
            filters = (*filters, Where(self.key, Operator.GREATER, (str(after),)))
        return (
            f"<query><object>{escape(self.object)}</object><select>{fields}</select>"
            f"{f'<filter>{AllOf(filters).xml()}</filter>' if filters else ''}"
            f"<orderby><order><field>{escape(self.key)}</field><ascending/></order></orderby>"
            f"<options>{'<caseinsensitive>true</caseinsensitive>' if self.case_insensitive else ''}"
            f"{'<showprivate>true</showprivate>' if self.show_private else ''}</options>"
            f"<pagesize>{self.page_size}</pagesize></query>"
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """The last row of a page of `Changes`."""

    stamp: str
    record_no: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows in the order in which they were changed: by WHENMODIFIED, and by record number among those of one second.

    A row that is changed while pages are read moves behind them and is met again there, so a page never skips it. Rows
    that are read are those changed at `since` or later (None: all), behind `after`.
    """

    object: str
    fields: tuple[str, ...]
    since: str | None = None
    after: Mark | None = None
    newest: bool = False
    """Backwards: the one that was changed last comes first."""
    page_size: int = MAX_PAGE

    def xml(self) -> str:
        """The function's element."""
        fields = "".join(f"<field>{escape(name)}</field>" for name in ("RECORDNO", STAMP, *self.fields))
        filters: list[Filter] = []
        if self.after is not None:
            stamp, number = self.after.stamp, self.after.record_no
            later = Where(STAMP, Operator.GREATER, (stamp,))
            behind = Where("RECORDNO", Operator.GREATER, (number,))
            filters.append(AnyOf((later, AllOf((equal(STAMP, stamp), behind)))))
        elif self.since is not None:
            filters.append(since(STAMP, self.since))
        way = "<descending/>" if self.newest else "<ascending/>"
        order = "".join(f"<order><field>{name}</field>{way}</order>" for name in (STAMP, "RECORDNO"))
        return (
            f"<query><object>{escape(self.object)}</object><select>{fields}</select>"
            f"{f'<filter>{AllOf(tuple(filters)).xml()}</filter>' if filters else ''}<orderby>{order}</orderby>"
            f"<options><showprivate>true</showprivate></options><pagesize>{self.page_size}</pagesize>"
            "</query>"
        )
