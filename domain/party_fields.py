"""A profile as fields of a CUSTOMER or VENDOR in Sage Intacct, by Sage's names.

Only what the profile gives, and only what Sage takes for certain; the rest is told (`not_sent`). Sage developer
documentation: accounts-receivable/customers, accounts-payable/vendors, company-console/contacts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain import lengths
from domain.documents import PartyKind
from domain.profiles import Address, Profile

_CONTACT = "DISPLAYCONTACT"
_ADDRESS = ("ADDRESS1", "ADDRESS2", "CITY", "STATE", "ZIP", "COUNTRYCODE")
_CONTACT_FIELDS = ("EMAIL1", "PHONE1", *(f"MAILADDRESS.{name}" for name in _ADDRESS))
_TAX_FIELDS = ("TAXID", "NAME1099", "FORM1099TYPE", "FORM1099BOX")
_EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\]]+\.[A-Za-z]{2,}")
_COUNTRIES = {"usa": "US", "united states": "US", "united states of america": "US", "canada": "CA", "can": "CA",
              "mexico": "MX", "méxico": "MX", "mex": "MX"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NotSent:
    """What a profile gives and Sage is not sent: the field by Sage's name, and why."""

    field: str
    why: str


def fields_read(kind: PartyKind) -> tuple[str, ...]:
    """The fields that `fields_given` may name, to be compared with."""
    tax = _TAX_FIELDS if kind is PartyKind.VENDOR else ()
    return ("TERMNAME", *tax, *(f"{_CONTACT}.{name}" for name in _CONTACT_FIELDS))


def fields_given(kind: PartyKind, profile: Profile, term: str | None = None) -> dict[str, str]:
    """What the profile says beside its name; a name with a dot is a field inside another.

    Args:
        kind: A customer has no tax fields.
        profile: What Alvys knows.
        term: The profile's own payment term, where Sage has it.
    """
    return {name: value for name, value in _all(kind, profile, term).items() if value and not _objection(name, value)}


def not_sent(kind: PartyKind, profile: Profile) -> tuple[NotSent, ...]:
    """What `fields_given` leaves out of what the profile says."""
    found = _all(kind, profile, None)
    told = [NotSent(name, why) for name, value in found.items() if value and (why := _objection(name, value))]
    if profile.address is not None and profile.address.country and not country_code(profile.address.country):
        told.append(NotSent(f"{_CONTACT}.MAILADDRESS.COUNTRYCODE", "no country that is known for certain"))
    return tuple(told)


def contact_fields(profile: Profile) -> dict[str, str]:
    """The same of the profile as a contact: e-mail, phone, address."""
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
    """Why Sage would not take it; None if it does."""
    field = name.rpartition(".")[2]
    longest = lengths.PROFILE.get(field)
    if longest is not None and len(value) > longest:
        return f"{len(value)} characters, Sage takes {longest}"
    if field == "EMAIL1" and _EMAIL.fullmatch(value) is None:
        return "no e-mail address"
    return None


def differing(given: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """Those of the given fields that Sage has otherwise; white space at the ends is no difference.

    A field that is not there could not be read: nobody knows whether it differs, so it is left alone.
    """
    return {name: value for name, value in given.items() if name in there and value.strip() != there[name].strip()}


def _address(address: Address | None) -> dict[str, str]:
    if address is None:
        return {}
    parts = (address.street, address.address2, address.city, address.state, address.zip_code)
    return dict(zip(_ADDRESS, (*parts, country_code(address.country)), strict=True))


def country_code(country: str) -> str:
    """Two letters, for the countries that are known for certain; else nothing: Sage refuses a name it does not know."""
    plain = country.strip()
    if len(plain) == len("US") and plain.isascii() and plain.isalpha():
        return plain.upper()
    return _COUNTRIES.get(plain.casefold(), "")
