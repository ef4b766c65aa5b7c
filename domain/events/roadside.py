"""`roadside.day.closed`: all fuel or toll rows of one provider, subsidiary and day, which become one bill.

It is made by `alvys-sage group-bills` from rows that were read before, and held to the contract like a stranger's.
"""

from typing import Annotated, Literal

from pydantic import Field

from domain.events.envelope import Envelope
from domain.events.fields import CalendarDate, Id, Instant, Money, Text, Wire
from domain.events.fuel import FuelData
from domain.events.toll import TollData


class FuelRow(FuelData):
    """A fuel row as its own event gave it."""

    timestamp: Instant
    """When that event was emitted: rows have no creation time of their own."""


class TollRow(TollData):
    """A toll row as its own event gave it."""

    timestamp: Instant


class DayData(Wire):
    """What both kinds of grouped bills have. No rows: all were withdrawn."""

    subsidiary_id: Id
    provider: Annotated[Text, Field(min_length=1)]
    date: CalendarDate
    total: Money


class FuelDayData(DayData):
    """`data` of a day's fuel rows."""

    bill_type: Literal["FuelDay"]
    rows: list[FuelRow]


class TollDayData(DayData):
    """`data` of a day's toll rows."""

    bill_type: Literal["TollDay"]
    rows: list[TollRow]


class RoadsideDayClosed(Envelope):
    """The window of a provider's day closed, or rows of it changed since."""

    data: Annotated[FuelDayData | TollDayData, Field(discriminator="bill_type")]
