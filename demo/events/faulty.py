"""Events that are whole and yet are not posted, or not at once: by policy, by contradiction, for want of a party.

Each is a good document, spoiled in one way.
"""

from collections.abc import Callable, Iterator
from typing import Any

from demo.events import carriers, drivers, fuel_and_tolls
from demo.events.draft import EventDraft
from demo.events.expect import Event, ExpectedOutcome
from demo.events.invoices import load_invoice, one_line
from demo.events.maker import Maker
from demo.events.world import LATE_PROVIDER, LATE_VENDOR, LOGISTICS, STRANGER, TRANSPORT, TWINS, UNFINISHED, Party

Spoil = Callable[[dict[str, Any]], None]
_CANADIAN = 124


def skipped(maker: Maker) -> Iterator[Event]:
    """Policy says no."""
    early = load_invoice(maker).copy("created before activation")
    early.event["data"]["invoice"]["createdDate"] = "2026-05-31T23:59:59Z"
    yield early.ends(ExpectedOutcome.SKIPPED, "BEFORE_ACTIVATION")
    yield _strangers(load_invoice(maker), "invoice")
    yield _strangers(carriers.bill(maker), "carrier bill")
    trip = carriers.bill(maker, LOGISTICS).copy("a trip's bill where bills come from statements")
    yield trip.ends(ExpectedOutcome.SKIPPED, "CARRIER_STATEMENTS_ENABLED")
    statement = carriers.statement(maker, TRANSPORT).copy("a statement where bills come from trips")
    yield statement.ends(ExpectedOutcome.SKIPPED, "CARRIER_STATEMENTS_DISABLED")
    yield _empty(maker).ends(ExpectedOutcome.SKIPPED, "ZERO_TOTAL")
    yield fuel_and_tolls.deducted(fuel_and_tolls.fuel(maker))
    yield fuel_and_tolls.deducted(fuel_and_tolls.toll(maker))


def deferred(maker: Maker) -> Iterator[Event]:
    """A named setting is missing. The late provider's vendor comes at the end of the demonstration."""
    late = fuel_and_tolls.fuel(maker, TRANSPORT, (LATE_PROVIDER, LATE_VENDOR)).copy(
        "card provider without vendor, set later"
    )
    yield late.ends(ExpectedOutcome.DEFERRED, "VENDOR_UNMAPPED", late.booking)
    never = fuel_and_tolls.toll(maker, LOGISTICS, ("IPass", "")).copy("toll provider without vendor")
    yield never.ends(ExpectedOutcome.DEFERRED, "VENDOR_UNMAPPED")
    yield (
        one_line(maker, UNFINISHED, 12_500).copy("no master Default").ends(ExpectedOutcome.DEFERRED, "ACCOUNT_UNMAPPED")
    )
    waiting = drivers.statement(maker, UNFINISHED).copy("no master Default")
    yield waiting.ends(ExpectedOutcome.DEFERRED, "ACCOUNT_UNMAPPED")


def contradictory(maker: Maker) -> Iterator[Event]:
    """The document contradicts itself."""
    for story, code, spoil in _CONTRADICTIONS:
        yield _invoice(maker, story, spoil).ends(ExpectedOutcome.REJECTED, code)
    yield _lineless(maker).ends(ExpectedOutcome.REJECTED, "NO_LINES")
    short = carriers.bill(maker).copy("a carrier bill that does not add up")
    short.event["data"]["trip"]["carrier"]["totalPayable"]["amount"] = "1.00"
    yield short.ends(ExpectedOutcome.REJECTED, "LINES_DO_NOT_ADD_UP")
    credit = one_line(maker, TRANSPORT, -5000).copy("a credit")
    yield credit.ends(ExpectedOutcome.REJECTED, "NEGATIVE_TOTAL")


def partyless(maker: Maker) -> Iterator[Event]:
    """Who is billed or paid cannot be told for certain."""
    yield _customer(maker, {"name": None}, "customer without id and name", "PARTY_UNNAMED")
    yield _customer(maker, {"name": "No Such Shipper"}, "a name that Sage does not know", "PARTY_NOT_FOUND")
    yield _customer(maker, {"name": TWINS.name}, "a name that two customers share", "PARTY_AMBIGUOUS")
    nobody = fuel_and_tolls.fuel(maker).copy("fuel without a provider")
    nobody.event["data"]["fuel"]["source"] = None
    yield nobody.ends(ExpectedOutcome.REJECTED, "PARTY_UNNAMED")


def refused_by_sage(maker: Maker) -> Iterator[Event]:
    """Only Sage knows that it cannot be booked; other documents in the same request are posted all the same."""
    stranger = load_invoice(maker, TRANSPORT, Party("CUST-99999", "Prairie Gold Foods", "x")).copy("an unknown id")
    stranger.event["data"]["customer"]["externalAccountingId"] = "CUST-99999"
    yield stranger.ends(ExpectedOutcome.REJECTED, "PARTY_NOT_FOUND")
    closed = load_invoice(maker).copy("dated into a closed period")
    closed.event["data"]["invoice"]["invoicedDate"] = "2025-12-15T00:00:00Z"
    yield closed.ends(ExpectedOutcome.REJECTED, "SAGE_PERIOD_CLOSED")


def _strangers(draft: EventDraft, what: str) -> Event:
    changed = draft.copy(f"{what} of a subsidiary without a connection")
    changed.event["data"]["subsidiary"]["id"] = STRANGER.id
    return changed.ends(ExpectedOutcome.SKIPPED, "NOT_CONNECTED")


def _lineless(maker: Maker) -> EventDraft:
    draft = drivers.statement(maker).copy("a statement without a line")
    draft.event["data"]["statement"]["totals"]["netIncome"] = maker.money(0)
    draft.event["data"]["statement"]["lineItems"] = []
    return draft


def _empty(maker: Maker) -> EventDraft:
    draft = drivers.statement(maker).copy("a statement whose lines are all zero")
    statement = draft.event["data"]["statement"]
    line = statement["lineItems"][0]
    statement["totals"]["netIncome"] = maker.money(0)
    statement["lineItems"] = [line | {"amount": maker.money(cents)} for cents in (0, 0)]
    return draft


def _customer(maker: Maker, named: dict[str, Any], story: str, code: str) -> Event:
    draft = load_invoice(maker, TRANSPORT).copy(story)
    draft.event["data"]["customer"] = {"id": "c-1", "type": "Customer", **named}
    return draft.ends(ExpectedOutcome.REJECTED, code)


def _invoice(maker: Maker, story: str, spoil: Spoil) -> EventDraft:
    draft = load_invoice(maker, TRANSPORT).copy(story)
    invoice = draft.event["data"]["invoice"]
    for amount in (invoice["total"], *(line["amount"] for line in invoice["lineItems"])):
        amount["currency"] = 840  # the spoiling is to be the only thing that is wrong
    spoil(invoice)
    return draft


def _set_total(amount: object) -> Spoil:
    return lambda invoice: invoice["total"].update(amount=amount)


def _currency(number: int) -> Spoil:
    def change(invoice: dict[str, Any]) -> None:
        for amount in (invoice["total"], *(line["amount"] for line in invoice["lineItems"])):
            amount["currency"] = number

    return change


def _mapping(category: str) -> Spoil:
    return lambda invoice: invoice["lineItems"][0].update(mapping={"category": category, "item": "x"})


def _first_line(**amount: object) -> Spoil:
    return lambda invoice: invoice["lineItems"][0]["amount"].update(amount)


_CONTRADICTIONS: tuple[tuple[str, str, Spoil], ...] = (
    ("a total that is off", "LINES_DO_NOT_ADD_UP", _set_total("0.01")),
    ("lines in two currencies", "CURRENCIES_MIXED", _first_line(currency=_CANADIAN)),
    ("a line without currency", "CURRENCIES_MIXED", _first_line(currency=None)),
    ("a currency that does not exist", "CURRENCY_UNKNOWN", _currency(999)),
    ("a currency that the company has not enabled", "SAGE_REFUSED", _currency(_CANADIAN)),
    ("tenths of a cent", "AMOUNT_TOO_FINE", _first_line(amount="100.005")),
    ("no lines", "NO_LINES", lambda invoice: invoice.update(lineItems=[])),
    ("a category that does not exist", "CATEGORY_UNKNOWN", _mapping("Snacks")),
    ("a category of the other side", "CATEGORY_WRONG_SIDE", _mapping("Deductions")),
    ("an unusable number", "NUMBER_UNUSABLE", lambda invoice: invoice.update(number=" ## ")),
)
