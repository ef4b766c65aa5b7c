"""What Alvys knows of a customer, carrier or driver: what a record in Sage Intacct is made of.

None of it is booked, and none of it is content of a document: a new address makes no new revision.
Every field may be missing.
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; empty texts where the profile says nothing."""

    street: str = ""
    address2: str = ""
    city: str = ""
    state: str = ""
    zip_code: str = ""
    country: str = ""
    """As Alvys writes it: a name, or a code of two or three letters."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One customer, carrier, driver or factoring company."""

    alvys_id: str | None = None
    """Alvys's own id: the same for ever, so that what is made from it is made once."""
    name: str = ""
    """What its record in Sage is called: the External Accounting Name, else the name; for some drivers a company's."""
    external_id: str | None = None
    """The External Accounting ID of this subsidiary, where the profile is not that of a document's own party."""
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
    """Whom a carrier sold its invoices to."""


@dataclass(frozen=True, slots=True)
class PartyRules:
    """What a connection's settings say about its customers, or its vendors."""

    by_name: bool = True
    link: Literal["mc", "dot"] | None = None
    """Which number links a carrier that has no External Accounting ID."""
    link_field: str | None = None
    """The field of VENDOR in Sage that holds that number."""
    create: bool = False
    update: bool = False
    factoring_as: Literal["none", "contact", "vendor"] = "none"


USUAL_RULES = PartyRules()
"""What a connection says that says nothing."""
