"""Fields of a CUSTOMER or VENDOR in Sage Intacct, filled from an Alvys profile, by Sage's names.

Only fields that the profile has and that Sage certainly accepts are sent; `not_sent` lists the rest for the result.
Sage developer documentation: accounts-receivable/customers, accounts-payable/vendors, company-console/contacts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain import lengths
from domain.documents import PartyKind
from domain.parties.profiles import Address, Profile

_CONTACT = "DISPLAYCONTACT"
_ADDRESS = ("ADDRESS1", "ADDRESS2", "CITY", "STATE", "ZIP", "COUNTRYCODE")
_CONTACT_FIELDS = ("EMAIL1", "PHONE1", *(f"MAILADDRESS.{name}" for name in _ADDRESS))
_TAX_FIELDS = ("TAXID", "NAME1099", "FORM1099TYPE", "FORM1099BOX")
_EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\]]+\.[A-Za-z]{2,}")
_COUNTRIES = {"usa": "US", "united states": "US", "united states of america": "US", "canada": "CA", "can": "CA",
              "mexico": "MX", "méxico": "MX", "mex": "MX"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NotSent:
    """A field of a profile that is not sent to Sage: the field by Sage's name, and the reason."""

    field: str
    why: str


def fields_read(kind: PartyKind) -> tuple[str, ...]:
    """List the fields that `fields_given` may fill, so that they can be read from Sage for comparison."""
    tax = _TAX_FIELDS if kind is PartyKind.VENDOR else ()
    return ("TERMNAME", *tax, *(f"{_CONTACT}.{name}" for name in _CONTACT_FIELDS))


def fields_given(kind: PartyKind, profile: Profile, term: str | None = None) -> dict[str, str]:
    """Fill the fields from a profile, except its name. A dot in a field's name means a field inside another.

    Args:
        kind: Customer or vendor. A customer has no tax fields.
        profile: The Alvys profile.
        term: The payment term of the profile, if Sage has such a term; else None.
    """
    return {name: value for name, value in _all(kind, profile, term).items() if value and not _objection(name, value)}


def not_sent(kind: PartyKind, profile: Profile) -> tuple[NotSent, ...]:
    """List the fields of the profile that `fields_given` leaves out, with the reasons."""
    found = _all(kind, profile, None)
    told = [NotSent(name, why) for name, value in found.items() if value and (why := _objection(name, value))]
    if profile.address is not None and profile.address.country and not country_code(profile.address.country):
        told.append(NotSent(f"{_CONTACT}.MAILADDRESS.COUNTRYCODE", "no country that is known for certain"))
    return tuple(told)


def contact_fields(profile: Profile) -> dict[str, str]:
    """Fill the fields of a contact from a profile: e-mail, phone, address."""
    return {name: value for name, value in _contact(profile).items() if value and not _objection(name, value)}


def _all(kind: PartyKind, profile: Profile, term: str | None) -> dict[str, str]:
    found = {"TERMNAME": term or ""}
    if kind is PartyKind.VENDOR:
        tax = (profile.tax_id, profile.name_1099, profile.form_1099_type, profile.form_1099_box)
        found |= dict(zip(_TAX_FIELDS, tax, strict=True))
    return found | {f"{_CONTACT}.{name}": value for name, value in _contact(profile).items()}


def _contact(profile: Profile) -> dict[str, str]:
    found = {"EMAIL1": profile.email, "PHONE1": profile.phone}
    return found | {f"MAILADDRESS.{name}": value for name, value in _address(profile.address).items()}


def _objection(name: str, value: str) -> str | None:
    """The reason why Sage would not accept the value; None if it would."""
    field = name.rpartition(".")[2]
    longest = lengths.PROFILE.get(field)
    if longest is not None and len(value) > longest:
        return f"{len(value)} characters, Sage takes {longest}"
    if field == "EMAIL1" and _EMAIL.fullmatch(value) is None:
        return "no e-mail address"
    return None


def differing(given: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """List the given fields whose values differ from those in Sage; white space at the ends is no difference.

    A field that could not be read from Sage is left alone, because nobody knows whether it differs.

    Args:
        given: The fields of the profile, from `fields_given`.
        there: The fields as read from Sage.
    """
    return {name: value for name, value in given.items() if name in there and value.strip() != there[name].strip()}


def _address(address: Address | None) -> dict[str, str]:
    if address is None:
        return {}
    parts = (address.street, address.address2, address.city, address.state, address.zip_code)
    return dict(zip(_ADDRESS, (*parts, country_code(address.country)), strict=True))


def country_code(country: str) -> str:
    """Convert a country to its two-letter code; empty if the country is not known for certain.

    An unknown name is left out because Sage refuses it.
    """
    plain = country.strip()
    if len(plain) == len("US") and plain.isascii() and plain.isalpha():
        return plain.upper()
    return _COUNTRIES.get(plain.casefold(), "")
