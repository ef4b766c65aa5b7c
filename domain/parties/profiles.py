"""Profiles: Alvys's data about a customer, carrier or driver, from which a record in Sage Intacct is created.

Profiles are not booked and are not content of a document: a new address makes no new revision. Every field may be
missing.
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address. A part that the profile lacks is an empty text."""

    street: str = ""
    address2: str = ""
    city: str = ""
    state: str = ""
    zip_code: str = ""
    country: str = ""
    """The country as Alvys writes it: a name, or a code of two or three letters."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of one customer, carrier, driver or factoring company."""

    alvys_id: str | None = None
    """The id in Alvys. It never changes, so a Sage record derived from it is created only once."""
    name: str = ""
    """The name for the Sage record: the External Accounting Name, else the name.

    For a 1099 driver with a tax company it is the company's name.
    """
    external_id: str | None = None
    """The External Accounting ID for this subsidiary, for a profile other than that of the document's own party.

    A factoring company has it here; the id of the document's own party is in `PartyRef`.
    """
    address: Address | None = field(default=None, repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    tax_id: str = field(default="", repr=False)
    name_1099: str = ""
    form_1099_type: str = ""
    form_1099_box: str = ""
    mc_number: str = ""
    dot_number: str = ""
    factoring: "Profile | None" = None
    """The factoring company to which the carrier sold its invoices."""


@dataclass(frozen=True, slots=True)
class PartyRules:
    """The settings of a connection for finding, creating and updating its customers, or its vendors."""

    by_name: bool = True
    link: Literal["mc", "dot"] | None = None
    """The number that links a carrier without an External Accounting ID: MC or USDOT; None for neither."""
    link_field: str | None = None
    """The field of VENDOR in Sage that holds the number of `link`."""
    create: bool = False
    update: bool = False
    factoring_as: Literal["none", "contact", "vendor"] = "none"


DEFAULT_PARTY_RULES = PartyRules()
"""Defaults for a connection without party rules."""
