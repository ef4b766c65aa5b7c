"""`toll.transaction.created`: one passage through a toll plaza."""

from pydantic import StrictBool

from domain.events.envelope import Envelope
from domain.events.fields import CalendarDate, Id, Money, Text, Wire
from domain.events.load_and_trip import Named


class Toll(Wire):
    """The toll transaction. `amount` is booked; `fee` is only named in the memo (see `domain.translation.toll`)."""

    id: Id
    transaction_id: Text
    subsidiary_id: Id
    subsidiary_name: Text | None = None
    source: Text | None = None
    """The toll provider. Mapping-state names its vendor."""
    agency: Text | None = None
    unit_number: Text | None = None
    exit_plaza_name: Text | None = None
    amount: Money
    fee: Money | None = None
    transaction_date: CalendarDate


class TollData(Wire):
    """The `data` of a toll transaction.

    `deductToll` has no default, because a wrong guess would book the cost twice, or not at all.
    """

    toll: Toll
    deduct_toll: StrictBool
    fleet: Named | None = None


class TollTransactionCreated(Envelope):
    """A toll transaction was imported into Alvys."""

    data: TollData
