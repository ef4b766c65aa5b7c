"""Currencies: the ISO 4217 number that Alvys writes, the letters that Sage Intacct takes, and the minor units.

The table holds the currencies in commercial use, North America first. A number outside the table is refused
(`CURRENCY_UNKNOWN`) and never guessed, because wrong minor units would round an amount.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation


@dataclass(frozen=True, slots=True)
class Currency:
    """One currency: its letters, and how many decimals its amounts may have."""

    letters: str
    minor_units: int


CURRENCIES: dict[int, Currency] = {
    840: Currency("USD", 2),
    124: Currency("CAD", 2),
    484: Currency("MXN", 2),
    978: Currency("EUR", 2),
    826: Currency("GBP", 2),
    36: Currency("AUD", 2),
    554: Currency("NZD", 2),
    756: Currency("CHF", 2),
    208: Currency("DKK", 2),
    578: Currency("NOK", 2),
    752: Currency("SEK", 2),
    352: Currency("ISK", 0),
    985: Currency("PLN", 2),
    203: Currency("CZK", 2),
    348: Currency("HUF", 2),
    946: Currency("RON", 2),
    949: Currency("TRY", 2),
    980: Currency("UAH", 2),
    376: Currency("ILS", 2),
    784: Currency("AED", 2),
    682: Currency("SAR", 2),
    414: Currency("KWD", 3),
    48: Currency("BHD", 3),
    512: Currency("OMR", 3),
    400: Currency("JOD", 3),
    818: Currency("EGP", 2),
    710: Currency("ZAR", 2),
    404: Currency("KES", 2),
    566: Currency("NGN", 2),
    356: Currency("INR", 2),
    586: Currency("PKR", 2),
    156: Currency("CNY", 2),
    344: Currency("HKD", 2),
    392: Currency("JPY", 0),
    410: Currency("KRW", 0),
    702: Currency("SGD", 2),
    458: Currency("MYR", 2),
    764: Currency("THB", 2),
    360: Currency("IDR", 2),
    608: Currency("PHP", 2),
    704: Currency("VND", 0),
    986: Currency("BRL", 2),
    32: Currency("ARS", 2),
    152: Currency("CLP", 0),
    170: Currency("COP", 2),
    604: Currency("PEN", 2),
    188: Currency("CRC", 2),
    320: Currency("GTQ", 2),
    340: Currency("HNL", 2),
    214: Currency("DOP", 2),
}

MINOR_UNITS = {currency.letters: currency.minor_units for currency in CURRENCIES.values()}
SAGE_DECIMALS = 2
"""Decimals that Sage Intacct keeps of an amount, whatever the currency.

Sage rounds away all further decimals (Sage developer documentation, guides of invoices and bills).
"""
BASE_MINOR_UNITS = 2
"""Decimals allowed if the event names no currency. `domain.policy` checks again, with the company's base currency."""

_STEPS = {places: Decimal(1).scaleb(-places) for places in range(4)}
_EXACT = Context(prec=28, traps=[Inexact, InvalidOperation])


def exact(amount: Decimal, minor_units: int) -> Decimal | None:
    """Write an amount with exactly `minor_units` decimals: 2450.0 becomes 2450.00. Never returns minus zero.

    None if that would round the amount.
    """
    try:
        result = amount.quantize(_STEPS[minor_units], context=_EXACT)
    except (Inexact, InvalidOperation):
        return None
    return result or abs(result)
