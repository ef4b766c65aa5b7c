"""Reference data of a company: GL accounts, entities, payment terms.

Sage developer documentation: general-ledger/accounts, company-console (LOCATIONENTITY), the term objects of both sides.
"""

from dataclasses import dataclass

from domain.categories import Side
from sage_client._error_categories import ExchangeLevel
from sage_client._reply import SageRow
from sage_client.errors import UnavailableError
from sage_client.query import Query

ACTIVE = {"active", "t"}
"""Values of STATUS for an active record: in the answers of `query`, and in raw form."""
REQUIRES = ("DEPT", "LOC", "PROJECT", "CUSTOMER", "VENDOR", "EMPLOYEE", "ITEM", "CLASS", "CONTRACT", "WAREHOUSE")
"""Endings of the REQUIRE… fields of a GL account.

A company that does not have a dimension lacks its field, and does not require the dimension.
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A GL account that can be posted to."""

    number: str
    title: str
    kind: str
    """The type of the account: `incomestatement` or `balancesheet`."""
    active: bool
    requires: frozenset[str]
    """The required dimensions, as endings of the REQUIRE… fields that are set, such as `LOC`."""


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity of a company with several entities."""

    id: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A payment term of one side."""

    name: str
    days: int | None
    """Days after the date of the document; None if Sage does not give a plain number."""
    active: bool


def accounts_query() -> Query:
    """Build the query for all accounts that can be posted to."""
    requires = tuple(f"REQUIRE{ending}" for ending in REQUIRES)
    return Query("GLACCOUNT", ("ACCOUNTNO", "STATUS"), optional=("TITLE", "ACCOUNTTYPE", *requires))


def entities_query() -> Query:
    """Build the query for all entities."""
    return Query("LOCATIONENTITY", ("LOCATIONID", "STATUS"), optional=("NAME",))


def terms_query(side: Side) -> Query:
    """Build the query for all payment terms of a side."""
    return Query("ARTERM" if side is Side.AR else "APTERM", ("NAME", "STATUS"), optional=("DUEDATE",))


def account(row: SageRow) -> Account:
    """Read one account from a row.

    Raises:
        UnavailableError: The row has no account number.
    """
    requires = frozenset(ending for ending in REQUIRES if row.get(f"REQUIRE{ending}", "").strip().lower() == "true")
    number = _needed(row, "ACCOUNTNO")
    return Account(number, row.get("TITLE", ""), row.get("ACCOUNTTYPE", ""), _active(row), requires)


def entity(row: SageRow) -> Entity:
    """Read one entity from a row.

    Raises:
        UnavailableError: The row has no id.
    """
    return Entity(_needed(row, "LOCATIONID"), row.get("NAME", ""), _active(row))


def term(row: SageRow) -> Term:
    """Read one payment term from a row.

    Raises:
        UnavailableError: The row has no name.
    """
    days = row.get("DUEDATE", "").strip()
    return Term(_needed(row, "NAME"), int(days) if days.isascii() and days.isdecimal() else None, _active(row))


def _active(row: SageRow) -> bool:
    return row.get("STATUS", "").strip().lower() in ACTIVE


def _needed(row: SageRow, field: str) -> str:
    if not (value := row.get(field, "").strip()):
        raise UnavailableError(f"a row lacks its {field}", level=ExchangeLevel.RESULT)
    return value
