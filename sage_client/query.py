"""The generic `query` function (Sage developer documentation, web-services/queries), paged so that no row is lost.

With paging by offset, each page is a new query over changing data, so rows would be skipped or repeated. So pages
follow the key: rows are ordered by record number, and each page asks for keys greater than the last one seen.

The fields of a company depend on its subscriptions. So a query states which of its columns are optional, and is adapted
to the company before it is sent (`sage_client._fields`). A column is one of these:

* a field;
* `TRX_AMOUNT|AMOUNT`: the amount in the document's currency, and the amount in the base currency, which is used if the
  company does not have the first;
* `DISPLAYSTATE/STATE`, for optional columns only: the first of these fields that the company has.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from sage_client._error_categories import ExchangeLevel
from sage_client._text import escape
from sage_client.errors import FieldMissingError, SageError

MAX_PAGE = 2000
"""Most rows of a page (schema of `query`)."""
MAX_VALUES = 1000
"""Most values that the operator `in` accepts."""


STAMP = "WHENMODIFIED"
"""The field with the time of a record's last change, to the second."""


class Operator(StrEnum):
    """The operators of a filter, by Sage's names."""

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
    """One comparison. Values have the form that Sage returns: `mm/dd/yyyy` or `mm/dd/yyyy HH:MM:SS`, never ISO."""

    field: str
    operator: Operator
    values: tuple[str, ...] = ()

    def xml(self) -> str:
        """Render the element of the operator."""
        values = "".join(f"<value>{escape(value)}</value>" for value in self.values)
        return f"<{self.operator}><field>{escape(self.field)}</field>{values}</{self.operator}>"


@dataclass(frozen=True, slots=True)
class AllOf:
    """A filter that matches if all of its filters match."""

    filters: tuple["Filter", ...]

    def xml(self) -> str:
        """Render `and` around the filters; a single filter stands alone, because `and` needs two or more."""
        return _joined("and", self.filters)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A filter that matches if at least one of its filters matches."""

    filters: tuple["Filter", ...]

    def xml(self) -> str:
        """Render `or` around the filters; a single filter stands alone, because `or` needs two or more."""
        return _joined("or", self.filters)


Filter = Where | AllOf | AnyOf


def _joined(word: str, filters: tuple[Filter, ...]) -> str:
    inner = "".join(each.xml() for each in filters)
    return inner if len(filters) == 1 else f"<{word}>{inner}</{word}>"


def equal(field: str, value: str) -> Where:
    """Build a filter: the field equals the value, with the same letter case."""
    return Where(field, Operator.EQUAL, (value,))


def one_of(field: str, values: Iterable[str]) -> Where:
    """Build a filter: the field is one of the values.

    Raises:
        ValueError: There are no values, or more than `MAX_VALUES`.
    """
    chosen = tuple(values)
    if not 0 < len(chosen) <= MAX_VALUES:
        raise ValueError(f"`in` takes 1 to {MAX_VALUES} values, not {len(chosen)}")
    return Where(field, Operator.IN, chosen)


def since(field: str, moment: str) -> Where:
    """Build a filter: the field is the moment or later."""
    return Where(field, Operator.GREATER_OR_EQUAL, (moment,))


@dataclass(frozen=True, slots=True)
class KnownFields:
    """The known fields of an object in one company. Names are in upper case, like Sage's own."""

    listed: frozenset[str] | None = None
    """The fields that `lookup` lists; None: it does not tell."""
    refused: frozenset[str] = frozenset()
    """The fields for which Sage refused a query."""

    def lists(self, name: str) -> bool:
        """Whether the field may exist: False only if `lookup` does not list it."""
        return self.listed is None or name.upper() in self.listed

    def available(self, column: str) -> list[str]:
        """List the fields of an optional column that can be selected.

        If the first field of an amount is refused, the list is empty: the amount in the base currency may not replace
        it.
        """
        if "/" in column:
            return next((found for name in column.split("/") if (found := self.available(name))), [])
        first, *others = column.split("|")
        if first.upper() in self.refused and self.lists(first):
            return []
        return [name for name in (first, *others) if self.lists(name) and name.upper() not in self.refused]


def compared(where: Filter | None) -> Iterator[str]:
    """Iterate over the fields that a filter compares."""
    match where:
        case Where():
            yield where.field
        case AllOf() | AnyOf():
            for each in where.filters:
                yield from compared(each)


def _fitted(where: Filter | None, known: KnownFields) -> Filter | None:
    """Remove the alternatives of an `AnyOf` that no row can match, because the company does not have the field."""
    if not isinstance(where, AnyOf):
        return where
    left = tuple(each for each in where.filters if not isinstance(each, Where) or known.lists(each.field))
    return AnyOf(left) if left else where


def _needed(columns: Iterable[str], known: KnownFields) -> tuple[list[str], list[str]]:
    """Choose the fields of needed columns.

    Returns:
        The fields that are always selected, one per column, and further fields of the same columns, which are selected
        if the company has them.
    """
    needed: list[str] = []
    beside: list[str] = []
    for column in columns:
        # A needed field is selected even if `lookup` does not list it: the answer to the query decides.
        first, *others = [name for name in column.split("|") if known.lists(name)] or column.split("|")
        needed.append(first)
        beside += [name for name in others if name.upper() not in known.refused]
    return needed, beside


def missing(object_name: str, names: Iterable[str], refusal: SageError | None = None) -> FieldMissingError:
    """Build the error for missing fields that a query needs, with Sage's own words if a query was refused."""
    return FieldMissingError(
        f"{object_name} has no {', '.join(sorted(names))} in this company, or the user may not read it",
        level=ExchangeLevel.RESULT,
        errors=refusal.errors if refusal is not None else (),
    )


@dataclass(frozen=True, slots=True)
class Query:
    """A query for the rows of one object.

    Args:
        object: The Sage object.
        fields: The needed columns. The query fails if the company has none of a column's fields.
        where: The filter; None: all rows.
        key: The field with whole numbers by which the rows are ordered. It is always selected too.
        optional: The columns that a company may lack; they are then left out.
        page_size: The most rows of one page.
        show_private: Whether a session at the top level sees records that belong to an entity. Without it, an existing
            document might not be found.
        case_insensitive: Whether filters ignore letter case.
        described: Whether the fields are looked up with `lookup`. It is off for user-defined objects, whose two fields
            are known.
        as_listed: Whether the query fails unless `lookup` lists its needed fields. It is on for objects whose fields no
            other source names.
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

    def fitted(self, known: KnownFields) -> "Query":
        """Adapt the query to a company: choose the fields of each column, and leave out fields that the company lacks.

        Raises:
            FieldMissingError: `as_listed` is set, and `lookup` does not list a needed field.
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
        """The fields that are selected, each once."""
        return _names(self.key, *self.fields, *self.optional)

    @property
    def indispensable(self) -> frozenset[str]:
        """The fields without which the query cannot be sent: the needed ones, and those it compares or sorts by."""
        return frozenset((self.key, *self.fields, *compared(self.where)))

    def xml(self, after: int | None = None) -> str:
        """Render the function, for the rows whose key is greater than `after`; None: from the first row."""
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
class PageCursor:
    """The cursor of a page of `Changes`: the timestamp and record number of its last row."""

    stamp: str
    record_no: str


@dataclass(frozen=True, slots=True)
class Changes:
    """A query for rows in the order of their changes: by WHENMODIFIED, then by record number for the same second.

    A row that changes while pages are read moves to the end and is read again there, so no page skips it. The query
    reads the rows that were changed at `since` or later (None: all), after the cursor `after`.
    """

    object: str
    fields: tuple[str, ...]
    since: str | None = None
    after: PageCursor | None = None
    optional: tuple[str, ...] = ()
    """The columns that a company may lack, as in `Query`; `fields` holds the needed ones."""
    newest: bool = False
    """Whether the order is reversed, so that the row changed last comes first."""
    page_size: int = MAX_PAGE

    described = True

    def fitted(self, known: KnownFields) -> "Changes":
        """Adapt the query to a company, like `Query.fitted`; it raises nothing."""
        needed, beside = _needed(self.fields, known)
        optional = [name for column in self.optional for name in known.available(column)]
        return replace(self, fields=tuple(needed), optional=(*beside, *optional))

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are selected, each once."""
        return _names("RECORDNO", STAMP, *self.fields, *self.optional)

    @property
    def indispensable(self) -> frozenset[str]:
        """The fields without which the query cannot be sent."""
        return frozenset(("RECORDNO", STAMP, *self.fields))

    def xml(self) -> str:
        """Render the function."""
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
    """List the fields of columns, each once."""
    return tuple(dict.fromkeys(name for column in columns for name in re.split(r"[|/]", column)))
