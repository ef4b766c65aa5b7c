"""Translation of Sage field names and conditions to SQL, shared by `query` and `readByQuery`.

Source: Sage developer documentation, web-services/queries. Comparisons are case sensitive unless a query asks
otherwise. A dotted name (`VENDOR.NAME`) follows one of the object's paths to another object. Values are always bound,
never part of the statement.
"""

from dataclasses import dataclass
from typing import Literal

from simulator.call import Call
from simulator.catalogue import ObjectType, Related
from simulator.errors import PROCESSING, refuse
from simulator.fields import Field, Kind, Value, understood

Dialect = Literal["query", "readByQuery"]
_RAW = {"active": "T", "inactive": "F"}
_RAW_ACCOUNT = {"I": "incomestatement", "N": "balancesheet"}


@dataclass(frozen=True, slots=True)
class Column:
    """A field, and the SQL expression of its value."""

    name: str
    kind: Kind
    sql: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL with its bound values."""

    sql: str
    values: tuple[Value, ...] = ()

    def joined(self, word: str, other: "Condition") -> "Condition":
        """Join this condition and another by AND or OR."""
        return Condition(f"({self.sql} {word} {other.sql})", self.values + other.values)


def joined(word: str, conditions: list[Condition]) -> Condition:
    """Join many conditions as a balanced tree, because SQLite limits the depth of an expression."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    return joined(word, conditions[:half]).joined(word, joined(word, conditions[half:]))


@dataclass(frozen=True, slots=True)
class Source:
    """An object as one function reads it. `fold` makes comparisons case insensitive."""

    call: Call
    object_type: ObjectType
    dialect: Dialect
    fold: bool = False

    def column(self, name: str) -> Column:
        """The column of a field; raises FunctionError if the object has no such field."""
        found = self.find(name)
        if found is None:
            raise refuse(
                PROCESSING,
                f"There was an error processing the request: field {name} does not exist on object"
                f" {self.object_type.name}.",
            )
        return found

    def find(self, name: str) -> Column | None:
        """The column of a field of the object, or of a field reached over one of its paths; None if there is none."""
        direct = self.object_type.fields.get(name)
        if direct and (direct.column or "." not in name):
            return Column(name, direct.kind, self._expression(direct))
        path, _, rest = name.partition(".")
        related = self.object_type.related.get(path)
        if direct and (related is None or related.column is None):
            related = self.object_type.contacts.get(path)
        over = self._over(related, name, rest) if related else None
        return over or (Column(name, direct.kind, "NULL") if direct else None)

    def _over(self, related: Related, name: str, rest: str) -> Column | None:
        other = self.call.store.setup(self.call.company).objects.get(related.object_name)
        found = other.fields.get(rest) if other else None
        if other is None or found is None:
            return None
        if related.column is None or found.column is None:
            return Column(name, found.kind, "NULL")
        return Column(
            name,
            found.kind,
            f'(SELECT r."{found.column}" FROM "{other.table}" r WHERE r.COMPANY = t.COMPANY'  # noqa: S608 -- names come from the catalogue, values are bound
            f' AND r."{other.natural_column}" = t."{related.column}")',
        )

    def _expression(self, field: Field) -> str:
        if field.column is None:
            return "NULL"
        if field.custom:
            return f"json_extract(t.CUSTOM, '$.\"{field.column}\"')"
        if field.kind == "state" and self.dialect == "readByQuery":
            return "t.RAWSTATE"
        return f't."{field.column}"'

    def compare(self, name: str, operator: str, text: str) -> Condition:
        """Make the condition `field operator value`."""
        column = self.column(name)
        value = self.value(column, text)
        if self.fold and isinstance(value, str):
            return Condition(f"FOLD({column.sql}) {operator} FOLD(?)", (value,))
        return Condition(f"{column.sql} {operator} ?", (value,))

    def like(self, name: str, pattern: str, *, negated: bool = False) -> Condition:
        """Make the condition `field LIKE pattern` with the wildcards % and _."""
        column = self.column(name)
        operator = "NOT LIKE" if negated else "LIKE"
        if self.fold:
            return Condition(f"FOLD({column.sql}) {operator} FOLD(?)", (pattern,))
        return Condition(f"{column.sql} {operator} ?", (pattern,))

    def value(self, column: Column, text: str) -> Value:
        """Parse the text of a filter into a stored value; FunctionError if it does not fit, such as an ISO date."""
        if self.dialect == "readByQuery" and column.kind == "status":
            return next((label for label, raw in _RAW.items() if raw == text), text)
        if self.dialect == "readByQuery" and column.name == "ACCOUNTTYPE":
            return _RAW_ACCOUNT.get(text, text)
        try:
            return understood(column.kind, text)
        except (ValueError, OverflowError):
            raise refuse(
                PROCESSING, f"There was an error processing the request: '{text}' is not valid for {column.name}."
            ) from None
