"""`settlement.finalized`, DriverStatement -> AP bill: one bill per statement, with all its lines."""

from datetime import datetime, timedelta
from decimal import Decimal

from domain.attributes import AttributeName, Attributes, Pair
from domain.categories import Side
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind, SourceLine
from domain.events.settlement import Driver, DriverLine, DriverStatementData
from domain.events.withdrawn import WithdrawnDriverStatementData
from domain.lines.line_categories import for_driver_line
from domain.terms import RequestedTerms
from domain.translation.amounts import check
from domain.translation.load_facts import LoadAndTripFacts, contractor, pair
from domain.translation.mapped_category import named
from domain.translation.people import company_name, of_driver
from domain.translation.texts import document_number, flat, key_part, phrase


def key_of(data: DriverStatementData | WithdrawnDriverStatementData) -> str:
    """Build the document key `driver-statement/{driver.id}/{number}`.

    It contains the driver, not the subsidiary: a driver may move to another subsidiary, and the posted bill has to be
    found again. The number alone is not enough, because statement numbers repeat between tenants.
    """
    statement = data.statement
    return f"driver-statement/{key_part(statement.driver.id)}/{key_part(statement.number)}"


def subsidiary_of(data: DriverStatementData | WithdrawnDriverStatementData) -> str:
    """The subsidiary in whose books the document belongs."""
    return data.statement.driver.subsidiary_id


def to_document(data: DriverStatementData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate a driver's statement into a source document, an AP bill.

    Its total is the net income. Pay, deductions, fuel, tolls and escrow are all lines of the bill.

    Raises:
        Refusal: The document contradicts itself.
    """
    statement, driver = data.statement, data.statement.driver
    amounts = check(statement.totals.net_income, [line.amount for line in statement.line_items])
    around = LoadAndTripFacts(_known(driver), _told(driver), data.loads, data.trips, of_a_driver=True)
    return SourceDocument(
        kind=SourceKind.DRIVER_STATEMENT,
        key=key,
        side=Side.AP,
        subsidiary_id=driver.subsidiary_id,
        number=document_number(statement.number),
        number_given=statement.number,
        party=PartyRef(kind=PartyKind.VENDOR, external_id=driver.external_accounting_id or None, names=_names(driver)),
        created_at=emitted_at,
        date=statement.statement_date,
        due=statement.statement_date + timedelta(days=driver.payment_terms_in_days or 0),
        currency=amounts.currency,
        total=amounts.total,
        lines=tuple(
            [
                _line(line, amount, around.line(line.load_number, line.trip_number))
                for line, amount in zip(statement.line_items, amounts.lines, strict=True)
            ]
        ),
        description=flat(phrase("Statement", statement.number, statement.pay_period_title)),
        tax_category=driver.tax_category or None,
        profile=of_driver(driver),
        terms=RequestedTerms(driver.payment_terms_in_days, due_given=False),
        facts=around.document,
    )


def _known(driver: Driver) -> tuple[Pair, ...]:
    subsidiary = (AttributeName.SUBSIDIARY, driver.subsidiary_name or driver.subsidiary_id)
    return (subsidiary, *pair(AttributeName.DRIVER, driver.name))


def _told(driver: Driver) -> tuple[Pair, ...]:
    """List the driver's fleet and contractor type. On a driver's bill the driver's fleet counts, not that of the loads.

    Source: Alvys's article "How to Configure Dimension and Custom Field Mappings for Sage Intacct".
    """
    kind = contractor(driver.contractor_type or driver.kind)
    return (*pair(AttributeName.DRIVER_FLEET, driver.fleet_name), *pair(AttributeName.CONTRACTOR_TYPE, kind))


def _names(driver: Driver) -> tuple[str, ...]:
    """List the names to find the vendor by: the tax company of a 1099 driver first, then the driver.

    Source: Alvys's article "Sage Intacct: Transaction Export and Modification".
    """
    return tuple([name for name in (company_name(driver), driver.name) if name])


def _line(line: DriverLine, amount: Decimal, facts: Attributes) -> SourceLine:
    trip = line.trip_number or None
    title = line.title or line.category
    place = named(Side.AP, line.mapping) or for_driver_line(line.category, title, on_a_trip=trip is not None)
    source = line.source_transaction_id or None
    memo = phrase(title, line.policy_name and f"({line.policy_name})", trip and f"trip {trip}", source)
    return SourceLine(place.category, place.item, amount, flat(memo), trip or source, facts)
