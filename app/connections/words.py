"""Titles of a connection's settings by their names in mapping-state, and parsing of ``NAME=VALUE``.

`connect` uses the titles in its questions; `connections show` and `connections set` show them beside the names.
Company, entity and the switches are not settings in this sense: other commands change them (`ELSEWHERE`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, get_args, get_origin

from pydantic import BaseModel

from app.errors import UsageError
from domain.settings.values import ConnectionSetting

TITLES = {
    "credentials": "Name of the credentials of the Web Services User, never the password",
    "baseCurrency": "Base currency of the company",
    "locationId": "Location of every line, by its ID",
    "crossSubsidiary": "Cross Subsidiary Billing",
    "closedPeriod": "Documents dated in a closed period: refuse them, or post them on the first open day",
    "zeroTotals": "Documents whose lines cancel out: export them with a total of zero, or refuse them",
    "sendCurrency": "Currency on documents: always, or only where it is not the base currency",
    "longValues": "Custom field values that are too long for Sage: reject the document, or truncate the value",
    "invoiceDimensions": "Dimensions that Sage documents for bills only, on invoices: refuse the document, leave them "
    "out, or send user-defined ones as custom fields of the line",
    "terms.default": "Default Payment Terms, where a profile names no days",
    "terms.fallback": "Fallback, where Sage does not have the profile's Net N",
    "ar.autopost": "Autopost Invoices (else they arrive as drafts)",
    "ar.poNumber": "PO Number Mapping: the load's order number, or its PO number",
    "ar.nameMatching": "Name Matching Fallback for customers without an External Accounting ID",
    "ar.createCustomers": "Auto Create Customer",
    "ar.updateCustomers": "Update customers in Sage from their profiles",
    "ar.creditMemos": "Export invoices below zero as credit memos",
    "ar.includeAccessorials": "Include accessorials on invoices",
    "ar.includeEChecks": "Include e-checks on invoices",
    "ar.deductionsAsCredits": "Export deductions as credits on AR invoices",
    "ar.correctPostedBy": "Correct posted, unpaid invoices by reversal, or by deletion where reversals are not enabled",
    "ap.autopost": "Autopost Bills (else they arrive as drafts)",
    "ap.includeDriverBills": "Include Driver Bills",
    "ap.only1099Drivers": "1099 Drivers Only",
    "ap.includeFuel": "Include fuel transactions, as bills of their own",
    "ap.includeTolls": "Include tolls, as bills of their own",
    "ap.fuelBills": "Fuel bills: one for each transaction, or one for each provider and day",
    "ap.tollBills": "Toll bills: one for each transaction, or one for each provider and day",
    "ap.exportCarrierStatements": "Export Carrier Statements",
    "ap.billOnUpload": "Send Carrier Invoice Upon Upload",
    "ap.includeFuelLines": "Include fuel lines on driver and carrier bills",
    "ap.includeTollLines": "Include toll lines on driver and carrier bills",
    "ap.includeAccessorials": "Include accessorials on bills",
    "ap.includeEChecks": "Include e-checks on bills",
    "ap.linkCarriersBy": "Link existing carriers by: External Accounting ID, MC number or USDOT number",
    "ap.carrierNumberField": "Field of a vendor in Sage that holds that number, by its integration name",
    "ap.nameMatching": "Name Matching Fallback for vendors without an External Accounting ID",
    "ap.createVendors": "Auto Create Vendor",
    "ap.updateVendors": "Update vendors in Sage from their profiles",
    "ap.factoringAs": "Create Factoring Companies As",
    "ap.vendorCredits": "Export bills below zero as vendor credits",
    "ap.correctPostedBy": "Correct posted, unpaid bills by reversal, or by deletion where reversals are not enabled",
}
"""Every setting that can be changed on an existing connection."""
ELSEWHERE = {
    "companyId": "it is permanent: alvys-sage disconnect, then connect anew",
    "entityId": "it is permanent: alvys-sage disconnect, then connect anew",
    "state": "alvys-sage connections pause and resume switch it",
    "activatedAt": "it is set once, when the connection becomes active",
    "ar.active": "alvys-sage connections pause and resume switch it, with --side ar",
    "ap.active": "alvys-sage connections pause and resume switch it, with --side ap",
}
"""Fields of a connection that are changed in another way or not at all, each with the explanation."""
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting, as declared in its model."""

    name: str
    choices: tuple[str, ...] = ()
    """The allowed values; empty if any text is allowed."""
    flag: bool = False
    required: bool = False
    default: object = None

    @property
    def title(self) -> str:
        """The setting's title for people."""
        return TITLES.get(self.name, self.name)


def infos(model: type[BaseModel] = ConnectionSetting, before: str = "") -> dict[str, SettingInfo]:
    """List the settings of a connection by their dotted names, in the order of the model."""
    found: dict[str, SettingInfo] = {}
    for field, info in model.model_fields.items():
        name = f"{before}{info.alias or field}"
        annotation = info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= infos(annotation, f"{name}.")
        elif name not in ELSEWHERE:
            found[name] = _info(name, annotation, required=info.is_required(), default=info.get_default())
    return found


def _info(name: str, annotation: object, *, required: bool, default: object) -> SettingInfo:
    choices = tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()
    return SettingInfo(name, choices, annotation is bool, required, default)


def read_assignments(words: Sequence[str]) -> dict[str, object]:
    """Parse assignments such as ``ar.creditMemos=true``, by name. An empty value becomes None, which clears a setting.

    Raises:
        UsageError: A word has another form, names no setting or one twice, or its value is not one of the choices.
    """
    known = {name.casefold(): info for name, info in infos().items()}
    found: dict[str, object] = {}
    for word in words:
        name, is_pair, text = word.partition("=")
        if not is_pair:
            raise UsageError(f"{word!r} is not of the form NAME=VALUE")
        info = known.get(name.strip().casefold())
        if info is None:
            raise UsageError(_unknown(name.strip()))
        if info.name in found:
            raise UsageError(f"{info.name} is given twice")
        found[info.name] = _value(info, text.strip())
    return found


def _unknown(name: str) -> str:
    if (why := {each.casefold(): why for each, why in ELSEWHERE.items()}.get(name.casefold())) is not None:
        return f"{name} is not set like this: {why}"
    near = get_close_matches(name, TITLES, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}" if near else ""
    return f"{name!r} is not a setting of a connection{hint}? alvys-sage connections show lists them"


def _value(info: SettingInfo, text: str) -> object:
    if not text:
        if info.required:
            raise UsageError(f"{info.name} cannot be cleared")
        return None
    said = text.casefold()
    if info.flag:
        if said not in (*_YES, *_NO):
            raise UsageError(f"{info.name} is true or false, not {text!r}")
        return said in _YES
    if info.choices:
        choice = next((each for each in info.choices if each.casefold() == said), None)
        if choice is None:
            raise UsageError(f"{info.name} is one of {', '.join(info.choices)}, not {text!r}")
        return choice
    return text


def with_assignments(value: Mapping[str, object], assigned: Mapping[str, object]) -> dict[str, object]:
    """Apply assignments to the value of a connection's record. A cleared setting returns to its default."""
    changed = {name: dict(part) if isinstance(part, Mapping) else part for name, part in value.items()}
    for name, new in assigned.items():
        part, _, last = name.rpartition(".")
        inner = changed.setdefault(part, {}) if part else changed
        if not isinstance(inner, dict):
            raise UsageError(f"{part} of the connection cannot be read")
        if new is None:
            inner.pop(last, None)
        else:
            inner[last] = new
    return {name: part for name, part in changed.items() if part != {}}
