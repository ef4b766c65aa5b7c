"""What speaks against booking a document, in the order in which a person would ask; the first objection counts.

A document that is not wanted, or that is nothing to book, is answered so even while the connection is paused: it would
not be booked after the pause either.
"""

from collections.abc import Iterator
from itertools import chain

from domain.categories import Side
from domain.codes import Code
from domain.documents import TAX_1099, SourceDocument, SourceKind
from domain.keys import ConnectionKey
from domain.money import MINOR_UNITS, exact
from domain.outcomes import Deferred, Rejected, Skipped
from domain.settings import ApSettings, ConnectionSetting, ConnectionStatus

Objection = Skipped | Rejected | Deferred


def first_objection(source: SourceDocument, setting: ConnectionSetting) -> Objection | None:
    """The first reason not to book the document now; None if there is none."""
    return next(
        chain(
            _activation(source, setting),
            _switches(source, setting.ap),
            _amounts(source, setting),
            _pause(source, setting),
        ),
        None,
    )


def _activation(source: SourceDocument, setting: ConnectionSetting) -> Iterator[Skipped]:
    """Only what was created after activation is exported, on a side that is on (requirements 9 and 10)."""
    created, activated = source.created_at, setting.activated_at
    if activated is None:
        yield Skipped(Code.BEFORE_ACTIVATION, "the connection was never active")
    elif created < activated:
        yield Skipped(Code.BEFORE_ACTIVATION, f"created {created.isoformat()}, activated {activated.isoformat()}")
    if source.side is Side.AR and not setting.ar.active:
        yield Skipped(Code.SIDE_OFF, "invoices (AR) are off")
    if source.side is Side.AP and not setting.ap.active:
        yield Skipped(Code.SIDE_OFF, "bills (AP) are off")


def _switches(source: SourceDocument, ap: ApSettings) -> Iterator[Skipped]:
    """The AP settings (requirement 69, export article), and what a driver's bill carries already (C14)."""
    if source.deducted:
        yield Skipped(Code.DEDUCTED_FROM_DRIVER, "the driver's statement carries it")
    match source.kind:
        case SourceKind.FUEL if not ap.include_fuel:
            yield Skipped(Code.FUEL_OFF, "Include fuel is off")
        case SourceKind.TOLL if not ap.include_tolls:
            yield Skipped(Code.TOLLS_OFF, "Include tolls is off")
        case SourceKind.DRIVER_STATEMENT if not ap.include_driver_bills:
            yield Skipped(Code.DRIVER_BILLS_OFF, "Include driver bills is off")
        case SourceKind.DRIVER_STATEMENT if ap.only_1099_drivers and source.tax_category != TAX_1099:
            yield Skipped(Code.NOT_A_1099_DRIVER, f"the driver's tax category is {source.tax_category or 'not set'}")
        case _:
            pass


def _amounts(source: SourceDocument, setting: ConnectionSetting) -> Iterator[Skipped | Rejected]:
    if not source.total:
        yield Skipped(Code.ZERO_TOTAL, "the total is zero")
    if source.total < 0:
        yield Rejected(Code.NEGATIVE_TOTAL, f"the total is {source.total}")
    places = MINOR_UNITS[setting.base_currency]
    if source.currency is None and any(exact(line.amount, places) is None for line in source.lines):
        yield Rejected(Code.AMOUNT_TOO_FINE, f"the base currency {setting.base_currency} has {places} decimals")


def _pause(source: SourceDocument, setting: ConnectionSetting) -> Iterator[Deferred]:
    if setting.state is ConnectionStatus.PAUSED:
        key = ConnectionKey(source.subsidiary_id).canonical
        yield Deferred(Code.CONNECTION_PAUSED, "the connection is paused", (key,))
