"""Facts of an event: data about a document and its lines that dimensions and custom fields can use.

A fact has a name, which settings use as the source of a field (`load.poNumber`), and one or several values as text:
dates as `yyyy-mm-dd`, numbers as plain decimals, all others as Alvys shows them. A fact has several values if the
document has several loads or trips. A dimension uses a fact only if it has exactly one value; a text field takes all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.categories import fold

Pair = tuple[str, str]
"""The name of a fact, and one of its values."""

_VALUE, _PAIR = "\x1c", "\x1b"
"""Separators: control characters, which no text of an event can contain."""


class AttributeKind(StrEnum):
    """The kind of the values of a fact."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    ANY = "any"
    """Free text that may be any of the kinds: custom references."""


class AttributeName(StrEnum):
    """The names of all facts except custom references.

    All are sources of custom fields in Alvys's article "How to Configure Dimension and Custom Field Mappings for Sage
    Intacct", except the contractor type, which is a source of dimensions only there.
    """

    CARRIER_INVOICE = "load.carrierInvoiceNumber"
    SUBSIDIARY = "load.subsidiary"
    PO_NUMBER = "load.poNumber"
    ORDER_NUMBER = "load.orderNumber"
    BOL_NUMBER = "load.bolNumber"
    OFFICE = "load.office"
    FLEET = "load.fleet"
    EQUIPMENT = "load.equipment"
    COMMODITY = "load.commodity"
    WEIGHT = "load.weight"
    VOLUME = "load.volume"
    INVOICED_DATE = "load.invoicedDate"
    CREATED_DATE = "load.createdDate"
    TERMS = "customer.netPaymentTerms"
    CUSTOMER_MILES = "customer.miles"
    SALES_AGENT = "customer.salesAgent"
    TOTAL_MILES = "dispatch.totalMiles"
    LOADED_MILES = "dispatch.loadedMiles"
    EMPTY_MILES = "dispatch.emptyMiles"
    DISPATCHED_BY = "dispatch.dispatchedBy"
    DISPATCHED_DATE = "dispatch.dispatchedDate"
    SHIPPER_NAME = "shipper.name"
    SHIPPER_ADDRESS = "shipper.address"
    SHIPPER_CITY = "shipper.city"
    SHIPPER_STATE = "shipper.state"
    SHIPPER_COUNTRY = "shipper.country"
    PICKUP_DATE = "shipper.pickupDate"
    CONSIGNEE_NAME = "consignee.name"
    CONSIGNEE_ADDRESS = "consignee.address"
    CONSIGNEE_CITY = "consignee.city"
    CONSIGNEE_STATE = "consignee.state"
    CONSIGNEE_COUNTRY = "consignee.country"
    DELIVERY_DATE = "consignee.deliveryDate"
    TRUCK = "equipment.truck"
    TRAILER = "equipment.trailer"
    DRIVER = "driver.primary"
    SECOND_DRIVER = "driver.secondary"
    DRIVER_FLEET = "driver.fleet"
    CONTRACTOR_TYPE = "driver.contractorType"


LOAD_REFERENCE = "load.reference/"
TRIP_REFERENCE = "trip.reference/"
"""Prefixes of the names of custom references; the name of the reference follows the prefix."""

_DATES = {
    AttributeName.INVOICED_DATE,
    AttributeName.CREATED_DATE,
    AttributeName.DISPATCHED_DATE,
    AttributeName.PICKUP_DATE,
    AttributeName.DELIVERY_DATE,
}
_NUMBERS = {
    *(AttributeName.WEIGHT, AttributeName.VOLUME, AttributeName.TERMS, AttributeName.CUSTOMER_MILES),
    *(AttributeName.TOTAL_MILES, AttributeName.LOADED_MILES, AttributeName.EMPTY_MILES),
}
_KINDS: dict[str, AttributeKind] = {
    fact.value: AttributeKind.DATE
    if fact in _DATES
    else AttributeKind.NUMBER
    if fact in _NUMBERS
    else AttributeKind.TEXT
    for fact in AttributeName
}


def kind_of(name: str) -> AttributeKind | None:
    """The kind of a fact's values; None if there is no fact of this name."""
    if name.startswith((LOAD_REFERENCE, TRIP_REFERENCE)):
        return AttributeKind.ANY if name.partition("/")[2].strip() else None
    return _KINDS.get(name)


def canonical(name: str) -> str:
    """Normalise the name of a fact for comparison: custom references match without regard to letter case."""
    start, slash, reference = name.partition("/")
    return f"{start}/{fold(reference)}" if slash else name


@dataclass(frozen=True, slots=True)
class Attributes:
    """The facts of a document, or of one of its lines."""

    pairs: tuple[Pair, ...] = ()
    """The pairs of name and value, sorted by both, whatever order the lists of the event have.

    A fact with several values, or with the value of several loads, occurs more than once.
    """
    content: str = ""
    """The facts that are content of the revision, as one text; "" if there are none (docs/decisions/0029)."""

    def get(self, name: str) -> tuple[str, ...]:
        """List the different values of a fact; empty if the event does not give it.

        The pairs are searched without an index, because the facts of most documents are never asked for.
        """
        return tuple(dict.fromkeys([value for each, value in self.pairs if each == name]))


NO_ATTRIBUTES = Attributes()


def attributes(known: Sequence[Pair], told: Sequence[Pair] = ()) -> Attributes:
    """Build facts from pairs.

    Args:
        known: Facts that add no content: other fields of the document hold them already, or they are no content at
            all, such as the name of a subsidiary.
        told: Facts that no other field of the document holds. They are content, so a change of one makes a new
            revision.
    """
    if not told:
        return Attributes(tuple(sorted(known))) if known else NO_ATTRIBUTES
    return Attributes(
        tuple(sorted((*known, *told))), _PAIR.join([name + _VALUE + value for name, value in sorted(told)])
    )
