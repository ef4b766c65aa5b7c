"""`daily.bill.closed`: all fuel or toll transactions of one provider, subsidiary and day, for one consolidated bill.

The command `alvys-sage consolidate-bills` writes this event from transactions that were read before. The event is
checked against the contract like an event of any other producer.
"""

from typing import Annotated, Literal

from pydantic import Field

from domain.events.envelope import Envelope
from domain.events.fields import CalendarDate, Id, Instant, Money, Text, Wire
from domain.events.fuel import FuelData
from domain.events.toll import TollData


class FuelRow(FuelData):
    """A fuel transaction, with the content of its own event."""

    timestamp: Instant
    """The time at which that event was emitted, because a transaction has no creation time of its own."""


class TollRow(TollData):
    """A toll transaction, with the content of its own event."""

    timestamp: Instant


class DayData(Wire):
    """The fields that both kinds of consolidated bills have. An empty `rows` means that all lines were withdrawn."""

    subsidiary_id: Id
    provider: Annotated[Text, Field(min_length=1)]
    date: CalendarDate
    total: Money


class FuelDayData(DayData):
    """The `data` of a day's fuel transactions."""

    bill_type: Literal["FuelDay"]
    rows: list[FuelRow]


class TollDayData(DayData):
    """The `data` of a day's toll transactions."""

    bill_type: Literal["TollDay"]
    rows: list[TollRow]


class DailyBillClosed(Envelope):
    """Event: the collection window of a provider's day closed, or transactions of that day changed afterwards."""

    data: Annotated[FuelDayData | TollDayData, Field(discriminator="bill_type")]
