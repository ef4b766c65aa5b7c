"""A profile as fields of a CUSTOMER or VENDOR in Sage Intacct, by Sage's names.

Only what the profile gives, and only what Sage takes for certain. Sage developer documentation:
accounts-receivable/customers, accounts-payable/vendors, company-console/contacts.
"""

import re
from collections.abc import Mapping

from domain.documents import PartyKind
from domain.profiles import Address, Profile

_CONTACT = "DISPLAYCONTACT"
_ADDRESS = ("ADDRESS1", "ADDRESS2", "CITY", "STATE", "ZIP", "COUNTRYCODE")
_CONTACT_FIELDS = ("EMAIL1", "PHONE1", *(f"MAILADDRESS.{name}" for name in _ADDRESS))
_TAX_FIELDS = ("TAXID", "NAME1099", "FORM1099TYPE", "FORM1099BOX")
_EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\]]+\.[A-Za-z]{2,}")
_COUNTRIES = {"usa": "US", "united states": "US", "united states of america": "US", "canada": "CA", "can": "CA",
              "mexico": "MX", "méxico": "MX", "mex": "MX"}  # fmt: skip
_LONGEST = {"EMAIL1": 200, "PHONE1": 30, "ADDRESS1": 80, "ADDRESS2": 80, "CITY": 80, "STATE": 40, "ZIP": 30}
"""Characters by field; what is longer is left out. Sage publishes no lengths: these are the narrower of those that
integrators found."""


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
    found = {"TERMNAME": term or ""}
    if kind is PartyKind.VENDOR:
        tax = (profile.tax_id, profile.name_1099, profile.form_1099_type, profile.form_1099_box)
        found |= dict(zip(_TAX_FIELDS, tax, strict=True))
    found |= {f"{_CONTACT}.{name}": value for name, value in contact_fields(profile).items()}
    return {name: value for name, value in found.items() if value}


def contact_fields(profile: Profile) -> dict[str, str]:
    """The same of the profile as a contact: e-mail, phone, address."""
    email = profile.email if _EMAIL.fullmatch(profile.email) else ""
    found = {"EMAIL1": email, "PHONE1": profile.phone}
    found |= {f"MAILADDRESS.{name}": value for name, value in _address(profile.address).items()}
    return {name: value for name, value in found.items() if value and _fits(name, value)}


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


def _fits(name: str, value: str) -> bool:
    longest = _LONGEST.get(name.rpartition(".")[2])
    return longest is None or len(value) <= longest
