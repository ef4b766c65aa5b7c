"""Reasons not to book a document, in the order in which a person would ask. The first reason is the answer.

A document that the settings exclude, or that has nothing to book, gets its answer even while the connection is paused,
because it would not be booked after the pause either.
"""

from collections.abc import Iterator
from itertools import chain

from domain.categories import Side
from domain.codes import Code
from domain.credits import credit_objection
from domain.documents import TAX_1099, ExcludedLines, SourceDocument, SourceKind, becomes
from domain.events.settlement import Trigger
from domain.lines.line_filters import in_words
from domain.money import MINOR_UNITS, exact
from domain.outcomes import Deferred, Rejected, Skipped
from domain.settings.keys import ConnectionKey
from domain.settings.values import ApSettings, ConnectionSetting, ConnectionStatus

Objection = Skipped | Rejected | Deferred


def skip_reason(
    source: SourceDocument, setting: ConnectionSetting, other: ConnectionSetting | None = None
) -> Skipped | None:
    """The reason why the settings exclude the document; None if they do not.

    Args:
        source: The document as the event describes it.
        setting: The connection of its subsidiary.
        other: The connection of the other subsidiary of an intercompany document; None if there is none.
    """
    return next(chain(_activation(source, setting), _switches(source, setting.ap), _both(source, setting, other)), None)


def first_objection(
    source: SourceDocument, setting: ConnectionSetting, left_out: tuple[ExcludedLines, ...] = ()
) -> Objection | None:
    """The first reason not to book a wanted document now; None if there is none.

    Args:
        source: The document, without the lines that settings exclude.
        setting: The connection of its subsidiary.
        left_out: The excluded lines.
    """
    return next(chain(_lines(source, left_out), _content(source, setting), _pause(source, setting)), None)


def _activation(source: SourceDocument, setting: ConnectionSetting) -> Iterator[Skipped]:
    """Exclude documents created before the activation (requirements 9 and 10), or of a side that is off."""
    created, activated = source.created_at, setting.activated_at
    if activated is None:
        yield Skipped(Code.BEFORE_ACTIVATION, "the connection was never active")
    elif created < activated:
        yield Skipped(Code.BEFORE_ACTIVATION, f"created {created.isoformat()}, activated {activated.isoformat()}")
    if source.side is Side.AR and not setting.ar.active:
        yield Skipped(Code.SIDE_DISABLED, "invoices (AR) are off")
    if source.side is Side.AP and not setting.ap.active:
        yield Skipped(Code.SIDE_DISABLED, "bills (AP) are off")


def _switches(source: SourceDocument, ap: ApSettings) -> Iterator[Skipped]:
    """Exclude documents by the AP switches, and costs that are already on a driver's bill.

    Sources: requirement 69, and Alvys's article "Sage Intacct: Transaction Export and Modification".
    """
    if source.deducted:
        yield Skipped(Code.DEDUCTED_FROM_DRIVER, "the driver's statement carries it")
    match source.kind:
        case SourceKind.FUEL | SourceKind.FUEL_DAY if not ap.include_fuel:
            yield Skipped(Code.FUEL_DISABLED, "Include fuel is off")
        case SourceKind.TOLL | SourceKind.TOLL_DAY if not ap.include_tolls:
            yield Skipped(Code.TOLLS_DISABLED, "Include tolls is off")
        case SourceKind.DRIVER_STATEMENT if not ap.include_driver_bills:
            yield Skipped(Code.DRIVER_BILLS_DISABLED, "Include driver bills is off")
        case SourceKind.DRIVER_STATEMENT if ap.only_1099_drivers and source.tax_category != TAX_1099:
            yield Skipped(Code.NOT_A_1099_DRIVER, f"the driver's tax category is {source.tax_category or 'not set'}")
        case SourceKind.CARRIER_STATEMENT if not ap.export_carrier_statements:
            yield Skipped(Code.CARRIER_STATEMENTS_DISABLED, "Export carrier statements is off")
        case SourceKind.CARRIER_BILL:
            yield from _trigger(source, ap)
        case _:
            pass


def _trigger(source: SourceDocument, ap: ApSettings) -> Iterator[Skipped]:
    """Exclude carrier bills that are not sent under the trigger in force.

    The three triggers are the table in Alvys's article "Sage Intacct: Transaction Export and Modification". An event
    that names no trigger counts as sent under the one in force.
    """
    in_force = Trigger.CARRIER_INVOICE_UPLOAD if ap.bill_on_upload else Trigger.CUSTOMER_INVOICE
    if ap.export_carrier_statements:
        yield Skipped(Code.CARRIER_STATEMENTS_ENABLED, "Export carrier statements is on")
    elif source.trigger not in (None, in_force):
        yield Skipped(Code.TRIGGER_NOT_IN_FORCE, f"the trigger is {source.trigger}, in force is {in_force}")


def _both(source: SourceDocument, setting: ConnectionSetting, other: ConnectionSetting | None) -> Iterator[Skipped]:
    """Exclude intercompany documents unless both subsidiaries have cross-subsidiary billing on.

    A subsidiary without a connection counts as off.
    """
    if (other_id := source.party.subsidiary_id) is None:
        return
    for subsidiary_id, one in ((source.subsidiary_id, setting), (other_id, other)):
        if one is None or not one.cross_subsidiary:
            yield Skipped(Code.CROSS_SUBSIDIARY_DISABLED, f"it is off for subsidiary {subsidiary_id}")


def _lines(source: SourceDocument, left_out: tuple[ExcludedLines, ...]) -> Iterator[Skipped]:
    if left_out and not any(line.amount for line in source.lines):
        yield Skipped(Code.ALL_LINES_DISABLED, in_words(left_out))


def _content(source: SourceDocument, setting: ConnectionSetting) -> Iterator[Skipped | Rejected]:
    if not any(line.amount for line in source.lines):
        yield Skipped(Code.ZERO_TOTAL, "every line is zero" if source.lines else "the total is zero, of no lines")
    elif not source.total and setting.zero_totals == "refuse":
        lines = len(source.lines)
        yield Rejected(Code.LINES_CANCEL_OUT, f"{lines} lines cancel out, and zeroTotals is refuse")
    if refused := credit_objection(source.side, source.total, (line.amount for line in source.lines), setting):
        yield refused
    if too_fine(source, setting):
        places = MINOR_UNITS[setting.base_currency]
        yield Rejected(Code.AMOUNT_TOO_FINE, f"the base currency {setting.base_currency} has {places} decimals")
    if source.due < source.date and not becomes(source.side, source.total).adjusts:
        yield Rejected(Code.DUE_BEFORE_DATE, f"it is of {source.date.isoformat()} and due {source.due.isoformat()}")


def too_fine(source: SourceDocument, setting: ConnectionSetting) -> bool:
    """Whether an amount has more decimals than the company's base currency, in a document that names no currency."""
    places = MINOR_UNITS[setting.base_currency]
    return source.currency is None and any(exact(line.amount, places) is None for line in source.lines)


def _pause(source: SourceDocument, setting: ConnectionSetting) -> Iterator[Deferred]:
    if setting.state is ConnectionStatus.PAUSED:
        key = ConnectionKey(source.subsidiary_id).canonical
        yield Deferred(Code.CONNECTION_PAUSED, "the connection is paused", (key,))
