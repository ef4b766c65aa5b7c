"""Customers, vendors and contacts in Sage Intacct: queries, and functions to create or change them.

The functions are generic ones (accounts-receivable/customers, accounts-payable/vendors, company-console/contacts), in
which the order of elements is free. NAME and a display contact with PRINTAS are required. The name of a contact is
unique in the whole company.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from domain import lengths
from domain.documents import PartyKind
from domain.parties.matching import PartyRecord, made_for
from domain.parties.party_fields import fields_read
from sage_client._error_categories import ExchangeLevel
from sage_client._reply import SageRow
from sage_client._text import clean, escape, required_text
from sage_client.errors import UnavailableError
from sage_client.lookups import LONGEST_ID
from sage_client.query import MAX_VALUES, Query, one_of

_OBJECT = {PartyKind.CUSTOMER: ("CUSTOMER", "CUSTOMERID"), PartyKind.VENDOR: ("VENDOR", "VENDORID")}


@dataclass(frozen=True, slots=True)
class PartyCall:
    """A function that creates or changes one record other than a document, under its control id."""

    control_id: str
    xml: str


@dataclass(frozen=True, slots=True)
class PartyFields:
    """The fields of a party to read, besides its id, name and status."""

    number_field: str | None = None
    """The custom field with the MC or USDOT number that links carriers; None: no number is read."""
    details: bool = False
    """Whether to read also the fields that a profile can change."""


NAMES_ONLY = PartyFields()
"""The minimum: id, name, status, and the fields that distinguish parties of the same name."""
_TAX_ID, _NOTE = "TAXID", "COMMENTS"
"""The fields that distinguish parties of the same name: tax id, and our note of the party a record was created for."""


def queries(kind: PartyKind, fields: PartyFields, ids: Iterable[str] | None) -> list[Query]:
    """Build the queries for customers or vendors, active or not.

    Args:
        kind: Customers or vendors.
        fields: The fields to read, besides id, name and status.
        ids: The ids to read, in as few queries as `in` allows; None: all.
    """
    name, key = _OBJECT[kind]
    more = fields_read(kind) if fields.details else ()
    own = (fields.number_field,) if fields.number_field else ()
    # Without the note, a record could be taken for that of another party, so it is required. The tax id is optional.
    needed = tuple(dict.fromkeys((key, "NAME", "STATUS", _NOTE, *own)))
    more = tuple(each for each in dict.fromkeys((_TAX_ID, *more)) if each not in needed)
    everyone = Query(name, needed, optional=more)
    if ids is None:
        return [everyone]
    wanted = sorted(set(ids))
    chunks = [wanted[start : start + MAX_VALUES] for start in range(0, len(wanted), MAX_VALUES)]
    return [replace(everyone, where=one_of(key, chunk)) for chunk in chunks]


def party(kind: PartyKind, fields: PartyFields, row: SageRow) -> PartyRecord:
    """Read one customer or vendor from a row.

    Only the status "active" counts as active; its raw form is `T` (accounts-payable/vendors).

    Raises:
        UnavailableError: The row has no id. An incomplete list must not count as the list.
    """
    _, key = _OBJECT[kind]
    if not 0 < len(row.get(key, "")) <= LONGEST_ID:
        raise UnavailableError(f"a row of {kind} lacks its {key}", level=ExchangeLevel.RESULT)
    return PartyRecord(
        row[key],
        row.get("NAME", ""),
        row.get("STATUS", "").strip().lower() in {"active", "t"},
        row.get(fields.number_field, "") if fields.number_field else "",
        {name: row[name] for name in fields_read(kind) if name in row} if fields.details else None,
        tax_id=row.get("TAXID", ""),
        made_for=made_for(row.get("COMMENTS", "")),
    )


def create(kind: PartyKind, party_id: str, name: str, contact: str, fields: Mapping[str, str], pay_to: str = "") -> str:
    """Render the function that creates a customer or vendor with a display contact of its own.

    Args:
        kind: Customer or vendor.
        party_id: CUSTOMERID or VENDORID, which the service chooses.
        name: NAME of the record, and PRINTAS of the contact.
        contact: The name of the display contact, unique in the company.
        fields: All other fields by Sage's names, as `domain.parties.party_fields` fills them.
        pay_to: The name of the contact that receives payments, if it is another one; "" for none.

    Raises:
        RequestInvalidError: The id or the name cannot be sent unchanged.
    """
    element, key = _OBJECT[kind]
    given = {
        key: required_text(party_id, "id", lengths.PARTY_ID),
        "NAME": required_text(name, "name", lengths.NAME),
        "STATUS": "active",
        "DISPLAYCONTACT.PRINTAS": required_text(name, "name", lengths.NAME),
        "DISPLAYCONTACT.CONTACTNAME": escape(contact),
        **_escaped(fields),
    }
    if pay_to:
        given["PAYTO.CONTACTNAME"] = escape(pay_to)
    return f"<create><{element}>{''.join(_nested(given))}</{element}></create>"


def update(kind: PartyKind, party_id: str, fields: Mapping[str, str]) -> str:
    """Render the function that changes the given fields of a customer or vendor, and no others.

    Raises:
        RequestInvalidError: The id cannot be sent unchanged.
    """
    element, key = _OBJECT[kind]
    nested = _nested({key: required_text(party_id, "id"), **_escaped(fields)})
    return f"<update><{element}>{''.join(nested)}</{element}></update>"


def create_contact(name: str, print_as: str, fields: Mapping[str, str]) -> str:
    """Render the function that creates a contact of its own, not as part of a customer or vendor.

    Raises:
        RequestInvalidError: `print_as` cannot be sent unchanged.
    """
    given = {"CONTACTNAME": escape(name), "PRINTAS": required_text(print_as, "name", lengths.NAME), **_escaped(fields)}
    return f"<create><CONTACT>{''.join(_nested(given))}</CONTACT></create>"


def contact_name(kind: PartyKind | str, party_id: str, name: str, attempt: int = 0) -> str:
    """Build the name of a party's contact, in the form that Sage itself would use.

    From `attempt` 1 on a number is added, because the name without it belongs to another contact.
    """
    ending = f" ({kind[0].upper()}{party_id})" if not attempt else f" ({kind[0].upper()}{party_id} {attempt + 1})"
    return clean(name)[: lengths.CONTACT_NAME - len(ending)].strip() + ending


def contacts_query(names: Iterable[str]) -> Query:
    """Build the query for the contacts with these names."""
    return Query("CONTACT", ("CONTACTNAME",), one_of("CONTACTNAME", sorted(set(names))))


def _escaped(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: escape(value) for name, value in fields.items()}


def _nested(fields: Mapping[str, str]) -> Iterator[str]:
    """Render fields as elements; a field with a dot becomes an element inside the one named before the dot."""
    inner: dict[str, dict[str, str]] = {}
    for name, value in fields.items():
        first, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(first, {})[rest] = value
        else:
            yield f"<{name}>{value}</{name}>"
    for name, those in inner.items():
        yield f"<{name}>{''.join(_nested(those))}</{name}>"
