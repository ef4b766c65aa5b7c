"""The generic `query` function (Sage developer documentation, web-services/queries), paged so that no row is lost.

Each page of an offset is a query of its own, over data that moves; rows are then skipped and repeated. So pages follow
the key: ordered by record number, each asks for what is greater than the last one seen.

Which fields a company has depends on its subscriptions, so a query says which of its columns it can do without, and is
fitted to the company before it is sent (`sage_client._fields`). A column is a field; or `TRX_AMOUNT|AMOUNT`, the amount
in the document's currency and the one in the base currency that stands in where the company has no other; or, of the
optional ones, `DISPLAYSTATE/STATE`, the first one of several that the company has.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from sage_client._kinds import Level
from sage_client._text import escape
from sage_client.errors import FieldMissingError, SageError

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
class Known:
    """What is known of an object's fields in one company. Names are in upper case, as Sage has its own."""

    listed: frozenset[str] | None = None
    """What `lookup` lists; None: it does not tell."""
    refused: frozenset[str] = frozenset()
    """What a query was refused for."""

    def lists(self, name: str) -> bool:
        """Whether the field may exist: False where `lookup` says that it does not."""
        return self.listed is None or name.upper() in self.listed

    def available(self, column: str) -> list[str]:
        """The fields of an optional column that can be selected; none stands in for an amount that is refused."""
        if "/" in column:
            return next((found for name in column.split("/") if (found := self.available(name))), [])
        first, *others = column.split("|")
        if first.upper() in self.refused and self.lists(first):
            return []
        return [name for name in (first, *others) if self.lists(name) and name.upper() not in self.refused]


def compared(where: Filter | None) -> Iterator[str]:
    """The fields that a filter compares."""
    match where:
        case Where():
            yield where.field
        case AllOf() | AnyOf():
            for each in where.filters:
                yield from compared(each)


def _fitted(where: Filter | None, known: Known) -> Filter | None:
    """The filter without those alternatives that no row can match, for the company has no such field."""
    if not isinstance(where, AnyOf):
        return where
    left = tuple(each for each in where.filters if not isinstance(each, Where) or known.lists(each.field))
    return AnyOf(left) if left else where


def _needed(columns: Iterable[str], known: Known) -> tuple[list[str], list[str]]:
    """Of columns that must be read, the fields to select whatever is known, and those that merely stand beside one."""
    needed: list[str] = []
    beside: list[str] = []
    for column in columns:
        # What is needed is asked for even where `lookup` does not list it: the query's own answer decides.
        first, *others = [name for name in column.split("|") if known.lists(name)] or column.split("|")
        needed.append(first)
        beside += [name for name in others if name.upper() not in known.refused]
    return needed, beside


def missing(object_name: str, names: Iterable[str], refusal: SageError | None = None) -> FieldMissingError:
    """The error for fields that cannot be done without, with Sage's own words if a query was refused."""
    return FieldMissingError(
        f"{object_name} has no {', '.join(sorted(names))} in this company, or the user may not read it",
        level=Level.RESULT,
        errors=refusal.errors if refusal is not None else (),
    )


@dataclass(frozen=True, slots=True)
class Query:
    """What to read. `key` is the whole-number field that orders the rows; it is always read too.

    Args:
        object: The object in Sage.
        fields: The columns that are needed; the query fails where the company has none of a column's fields.
        where: The filter.
        key: See above.
        optional: The columns that a company may lack; their fields are then left out.
        page_size: Rows of one page.
        show_private: Lets a session at the top level see what belongs to an entity; without it a document that is there
            is not found.
        case_insensitive: Compares without regard to letter case.
        described: Whether `lookup` is asked for the object: not for user-defined ones, whose fields are two and known.
        as_listed: Whether a needed field is asked for only where `lookup` lists it, because nothing else names it.
    """

    object: str
    fields: tuple[str, ...]
    where: Filter | None = None
    key: str = "RECORDNO"
    optional: tuple[str, ...] = ()
    page_size: int = MAX_PAGE
    show_private: bool = True
    case_insensitive: bool = False
    described: bool = True
    as_listed: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.page_size <= MAX_PAGE:
            raise ValueError(f"a page has 1 to {MAX_PAGE} rows, not {self.page_size}")

    def fitted(self, known: Known) -> "Query":
        """The query for a company: every column is one field, and what the company lacks is left out.

        Raises:
            FieldMissingError: `as_listed`, and a needed field is not listed.
        """
        needed, beside = _needed(self.fields, known)
        if self.as_listed and (
            absent := [name for name in (self.key, *needed) if known.listed is None or not known.lists(name)]
        ):
            raise missing(self.object, absent)
        optional = [name for column in self.optional for name in known.available(column)]
        return replace(self, fields=tuple(needed), optional=(*beside, *optional), where=_fitted(self.where, known))

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are selected."""
        return _names(self.key, *self.fields, *self.optional)

    @property
    def indispensable(self) -> frozenset[str]:
        """The fields without which it cannot be sent: needed ones, and all that it compares or sorts by."""
        return frozenset((self.key, *self.fields, *compared(self.where)))

    def xml(self, after: int | None = None) -> str:
        """The function's element, for the rows whose key is greater than `after`."""
        fields = "".join(f"<field>{escape(name)}</field>" for name in self.names)
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
    optional: tuple[str, ...] = ()
    """As of `Query`, like `fields`."""
    newest: bool = False
    """Backwards: the one that was changed last comes first."""
    page_size: int = MAX_PAGE

    described = True

    def fitted(self, known: Known) -> "Changes":
        """As of `Query`; raises nothing."""
        needed, beside = _needed(self.fields, known)
        optional = [name for column in self.optional for name in known.available(column)]
        return replace(self, fields=tuple(needed), optional=(*beside, *optional))

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are selected."""
        return _names("RECORDNO", STAMP, *self.fields, *self.optional)

    @property
    def indispensable(self) -> frozenset[str]:
        """As of `Query`."""
        return frozenset(("RECORDNO", STAMP, *self.fields))

    def xml(self) -> str:
        """The function's element."""
        fields = "".join(f"<field>{escape(name)}</field>" for name in self.names)
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


def _names(*columns: str) -> tuple[str, ...]:
    """The fields of columns, each once."""
    return tuple(dict.fromkeys(name for column in columns for name in re.split(r"[|/]", column)))
