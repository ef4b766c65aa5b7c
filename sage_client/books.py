"""What a company's books are made of, as far as it is asked for: GL accounts, entities, terms.

Sage developer documentation: general-ledger/accounts, company-console (LOCATIONENTITY), the term objects of both sides.
"""

from dataclasses import dataclass

from domain.categories import Side
from sage_client._kinds import Level
from sage_client._reply import Row
from sage_client.errors import UnavailableError
from sage_client.query import Query

ACTIVE = {"active", "t"}
"""How a record says that it is active, in `query` and raw."""
REQUIRES = ("DEPT", "LOC", "PROJECT", "CUSTOMER", "VENDOR", "EMPLOYEE", "ITEM", "CLASS", "CONTRACT", "WAREHOUSE")
"""The endings of a GL account's REQUIRE… fields; a company without the dimension lacks its field and requires none."""


@dataclass(frozen=True, slots=True)
class Account:
    """A GL account that can be posted to."""

    number: str
    title: str
    kind: str
    """`incomestatement` or `balancesheet`."""
    active: bool
    requires: frozenset[str]
    """Endings of the REQUIRE… fields that are set, such as `LOC`."""


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity of a company with several."""

    id: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A payment term of one side."""

    name: str
    days: int | None
    """Days after the document's date; None where Sage gives no plain number."""
    active: bool


def accounts_query() -> Query:
    """All posting accounts."""
    requires = tuple(f"REQUIRE{ending}" for ending in REQUIRES)
    return Query("GLACCOUNT", ("ACCOUNTNO", "STATUS"), optional=("TITLE", "ACCOUNTTYPE", *requires))


def entities_query() -> Query:
    """All entities."""
    return Query("LOCATIONENTITY", ("LOCATIONID", "STATUS"), optional=("NAME",))


def terms_query(side: Side) -> Query:
    """All terms of a side."""
    return Query("ARTERM" if side is Side.AR else "APTERM", ("NAME", "STATUS"), optional=("DUEDATE",))


def account(row: Row) -> Account:
    """One account; UnavailableError where the row has no number."""
    requires = frozenset(ending for ending in REQUIRES if row.get(f"REQUIRE{ending}", "").strip().lower() == "true")
    number = _needed(row, "ACCOUNTNO")
    return Account(number, row.get("TITLE", ""), row.get("ACCOUNTTYPE", ""), _active(row), requires)


def entity(row: Row) -> Entity:
    """One entity; UnavailableError where the row has no id."""
    return Entity(_needed(row, "LOCATIONID"), row.get("NAME", ""), _active(row))


def term(row: Row) -> Term:
    """One term; UnavailableError where the row has no name."""
    days = row.get("DUEDATE", "").strip()
    return Term(_needed(row, "NAME"), int(days) if days.isascii() and days.isdecimal() else None, _active(row))


def _active(row: Row) -> bool:
    return row.get("STATUS", "").strip().lower() in ACTIVE


def _needed(row: Row, field: str) -> str:
    if not (value := row.get(field, "").strip()):
        raise UnavailableError(f"a row lacks its {field}", level=Level.RESULT)
    return value
