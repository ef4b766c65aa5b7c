"""Facts of an event: what it says around a document and its lines, for dimensions and custom fields to draw on.

A fact has a name, which settings use as the source of a field (`load.poNumber`), and one or several values as text:
dates as `yyyy-mm-dd`, numbers as plain decimals, all else as Alvys shows it. Several values of one fact stand where a
document has several loads or trips; a dimension takes a fact only where it has one value, a text field takes all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.categories import fold

Pair = tuple[str, str]
"""A fact's name and one of its values."""

_VALUE, _PAIR = "\x1c", "\x1b"
"""Control characters, which no text of an event can hold."""


class Kind(StrEnum):
    """What the values of a fact are."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    ANY = "any"
    """Free text that may be any of them: custom references."""


class Fact(StrEnum):
    """Every fact but the references: the sources of custom fields (alvys.md 2.8), and one more for dimensions."""

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
"""What the names of custom references begin with; the reference's own name follows."""

_DATES = {Fact.INVOICED_DATE, Fact.CREATED_DATE, Fact.DISPATCHED_DATE, Fact.PICKUP_DATE, Fact.DELIVERY_DATE}
_NUMBERS = {
    *(Fact.WEIGHT, Fact.VOLUME, Fact.TERMS, Fact.CUSTOMER_MILES),
    *(Fact.TOTAL_MILES, Fact.LOADED_MILES, Fact.EMPTY_MILES),
}
_KINDS: dict[str, Kind] = {
    fact.value: Kind.DATE if fact in _DATES else Kind.NUMBER if fact in _NUMBERS else Kind.TEXT for fact in Fact
}


def kind_of(name: str) -> Kind | None:
    """What a fact's values are; None where there is no such fact."""
    if name.startswith((LOAD_REFERENCE, TRIP_REFERENCE)):
        return Kind.ANY if name.partition("/")[2].strip() else None
    return _KINDS.get(name)


def canonical(name: str) -> str:
    """A fact's name as events give it: the names of references match whatever their case."""
    start, slash, reference = name.partition("/")
    return f"{start}/{fold(reference)}" if slash else name


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a document, or of one of its lines."""

    pairs: tuple[Pair, ...] = ()
    """In order of name and value, whatever order the event's lists have; a fact with several values, or with one of
    several loads, stands more than once."""
    content: str = ""
    """What of them is content of the revision; "" where nothing is (docs/decisions/0029)."""

    def get(self, name: str) -> tuple[str, ...]:
        """Every different value of the fact; none where the event does not give it.

        Looked for, not indexed: most documents are never asked.
        """
        return tuple(dict.fromkeys([value for each, value in self.pairs if each == name]))


NO_FACTS = Facts()


def facts(known: Sequence[Pair], told: Sequence[Pair] = ()) -> Facts:
    """Facts from pairs.

    Args:
        known: What other parts of the document say already, or what is not content: a subsidiary's name.
        told: What nothing else says; it is content.
    """
    if not told:
        return Facts(tuple(sorted(known))) if known else NO_FACTS
    return Facts(tuple(sorted((*known, *told))), _PAIR.join([name + _VALUE + value for name, value in sorted(told)]))
