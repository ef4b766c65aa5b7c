"""Decoding of the source topics: bytes become typed events, or a `ContractError` with a stable code, nothing else.

The event contract is this project's own (docs/contract.md), because Alvys documents no webhook for invoices,
settlements, fuel or tolls. Fields that are not read are ignored, whatever they contain. Fields that are read must be
present, unless they are optional, and valid.
"""

from domain.events.daily_bill import DailyBillClosed, FuelDayData, TollDayData
from domain.events.decode import Event, decode
from domain.events.envelope import EventKind
from domain.events.fuel import FuelData, FuelTransactionCreated
from domain.events.invoice import InvoiceCreated, InvoiceData
from domain.events.settlement import (
    CarrierBillData,
    CarrierStatementData,
    DriverStatementData,
    IntercompanyBillData,
    SettlementFinalized,
)
from domain.events.toll import TollData, TollTransactionCreated
from domain.events.wire import ContractError
from domain.events.withdrawn import (
    Withdrawn,
    WithdrawnCarrierBillData,
    WithdrawnCarrierStatementData,
    WithdrawnData,
    WithdrawnDriverStatementData,
    WithdrawnFuelData,
    WithdrawnIntercompanyBillData,
    WithdrawnInvoiceData,
    WithdrawnSettlementData,
    WithdrawnTollData,
)

__all__ = [
    "CarrierBillData",
    "CarrierStatementData",
    "ContractError",
    "DailyBillClosed",
    "DriverStatementData",
    "Event",
    "EventKind",
    "FuelData",
    "FuelDayData",
    "FuelTransactionCreated",
    "IntercompanyBillData",
    "InvoiceCreated",
    "InvoiceData",
    "SettlementFinalized",
    "TollData",
    "TollDayData",
    "TollTransactionCreated",
    "Withdrawn",
    "WithdrawnCarrierBillData",
    "WithdrawnCarrierStatementData",
    "WithdrawnData",
    "WithdrawnDriverStatementData",
    "WithdrawnFuelData",
    "WithdrawnIntercompanyBillData",
    "WithdrawnInvoiceData",
    "WithdrawnSettlementData",
    "WithdrawnTollData",
    "decode",
]
