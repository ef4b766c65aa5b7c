"""Customers, vendors and contacts in Sage Intacct: what is read of them, and what makes or changes one.

Generic functions (accounts-receivable/customers, accounts-payable/vendors, company-console/contacts): the order of
elements is free. Needed are NAME and a display contact with PRINTAS; a contact's name is unique in the whole company.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from domain import lengths
from domain.documents import PartyKind
from domain.parties import PartyRecord, made_for
from domain.party_fields import fields_read
from sage_client._kinds import Level
from sage_client._reply import Row
from sage_client._text import clean, escape, exact
from sage_client.errors import UnavailableError
from sage_client.lookups import LONGEST_ID
from sage_client.query import MAX_VALUES, Query, one_of

_OBJECT = {PartyKind.CUSTOMER: ("CUSTOMER", "CUSTOMERID"), PartyKind.VENDOR: ("VENDOR", "VENDORID")}


@dataclass(frozen=True, slots=True)
class Change:
    """A function that makes or changes one record that is no document, under its control id."""

    control_id: str
    xml: str


@dataclass(frozen=True, slots=True)
class PartyFields:
    """What is read of a party beside its id, name and status."""

    number_field: str | None = None
    """The custom field that links carriers."""
    details: bool = False
    """Also what its profile can change."""


NAMES_ONLY = PartyFields()
"""Id, name, status and what tells parties of one name apart."""
_TAX_ID, _NOTE = "TAXID", "COMMENTS"
"""What tells parties of one name apart: the tax id, and the note of whom this service made a record for."""


def queries(kind: PartyKind, fields: PartyFields, ids: Iterable[str] | None) -> list[Query]:
    """All customers or vendors, active or not; or those of the ids, as few queries as `in` allows."""
    name, key = _OBJECT[kind]
    more = fields_read(kind) if fields.details else ()
    own = (fields.number_field,) if fields.number_field else ()
    # Without the note a record could be taken for another party; a tax id that cannot be read merely tells less.
    needed = tuple(dict.fromkeys((key, "NAME", "STATUS", _NOTE, *own)))
    more = tuple(each for each in dict.fromkeys((_TAX_ID, *more)) if each not in needed)
    everyone = Query(name, needed, optional=more)
    if ids is None:
        return [everyone]
    wanted = sorted(set(ids))
    chunks = [wanted[start : start + MAX_VALUES] for start in range(0, len(wanted), MAX_VALUES)]
    return [replace(everyone, where=one_of(key, chunk)) for chunk in chunks]


def party(kind: PartyKind, fields: PartyFields, row: Row) -> PartyRecord:
    """One customer or vendor. Only a status that says active is active; `T` is its raw form (accounts-payable/vendors).

    Raises:
        UnavailableError: The row has no id; a list with holes must not pass for the list.
    """
    _, key = _OBJECT[kind]
    if not 0 < len(row.get(key, "")) <= LONGEST_ID:
        raise UnavailableError(f"a row of {kind} lacks its {key}", level=Level.RESULT)
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
    """The function's element: a customer or vendor with a display contact of its own.

    Args:
        kind: Which of the two.
        party_id: CUSTOMERID or VENDORID, ours to choose.
        name: NAME, and PRINTAS of the contact.
        contact: The contact's name, unique in the company.
        fields: Everything else by Sage's names, as `domain.party_fields` gives it.
        pay_to: The name of the contact that payments go to, if it is another.

    Raises:
        RequestInvalidError: The id or the name cannot be sent as it is.
    """
    element, key = _OBJECT[kind]
    given = {
        key: exact(party_id, "id", lengths.PARTY_ID),
        "NAME": exact(name, "name", lengths.NAME),
        "STATUS": "active",
        "DISPLAYCONTACT.PRINTAS": exact(name, "name", lengths.NAME),
        "DISPLAYCONTACT.CONTACTNAME": escape(contact),
        **_escaped(fields),
    }
    if pay_to:
        given["PAYTO.CONTACTNAME"] = escape(pay_to)
    return f"<create><{element}>{''.join(_nested(given))}</{element}></create>"


def update(kind: PartyKind, party_id: str, fields: Mapping[str, str]) -> str:
    """The function's element: only these fields of the record change."""
    element, key = _OBJECT[kind]
    return (
        f"<update><{element}>{''.join(_nested({key: exact(party_id, 'id'), **_escaped(fields)}))}</{element}></update>"
    )


def create_contact(name: str, print_as: str, fields: Mapping[str, str]) -> str:
    """The function's element: a contact that stands by itself."""
    given = {"CONTACTNAME": escape(name), "PRINTAS": exact(print_as, "name", lengths.NAME), **_escaped(fields)}
    return f"<create><CONTACT>{''.join(_nested(given))}</CONTACT></create>"


def contact_name(kind: PartyKind | str, party_id: str, name: str, attempt: int = 0) -> str:
    """The name of a party's contact: as Sage itself would give it, or with a number where that is somebody else's."""
    ending = f" ({kind[0].upper()}{party_id})" if not attempt else f" ({kind[0].upper()}{party_id} {attempt + 1})"
    return clean(name)[: lengths.CONTACT_NAME - len(ending)].strip() + ending


def contacts_query(names: Iterable[str]) -> Query:
    """The contacts of these names."""
    return Query("CONTACT", ("CONTACTNAME",), one_of("CONTACTNAME", sorted(set(names))))


def _escaped(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: escape(value) for name, value in fields.items()}


def _nested(fields: Mapping[str, str]) -> Iterator[str]:
    """The fields as elements, those with a dot inside that of the word before it."""
    inner: dict[str, dict[str, str]] = {}
    for name, value in fields.items():
        first, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(first, {})[rest] = value
        else:
            yield f"<{name}>{value}</{name}>"
    for name, those in inner.items():
        yield f"<{name}>{''.join(_nested(those))}</{name}>"
