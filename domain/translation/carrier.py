"""The carrier of a statement or bill, as a vendor, and the items of its statements."""

from domain.categories import Side
from domain.codes import Code
from domain.documents import PartyKind, PartyRef
from domain.events.settlement import BilledCarrier, Carrier, CarrierItem, ExternalId, FactoringCompany, StatementCarrier
from domain.lines.line_categories import CategoryItem, for_carrier_item
from domain.parties.profiles import Profile
from domain.translation.mapped_category import named
from domain.translation.people import address
from domain.translation.refusal import Refusal


def vendor(carrier: Carrier, subsidiary_id: str) -> PartyRef:
    """Build the vendor of a carrier's bill: the carrier itself, even if a factoring company is paid.

    Only the External Accounting ID of this subsidiary counts, not that of another one (requirement 41).

    Raises:
        Refusal: `PARTY_AMBIGUOUS` if the profile has several ids for this subsidiary.
    """
    return PartyRef(
        kind=PartyKind.VENDOR,
        external_id=_external_id(carrier.external_ids or [], subsidiary_id),
        names=tuple([name for name in (carrier.external_name, carrier.name) if name]),
    )


def profile(carrier: StatementCarrier | BilledCarrier) -> Profile:
    """Build the profile of the carrier, with that of its factoring company."""
    return Profile(
        alvys_id=carrier.id,
        name=carrier.external_name or carrier.name or "",
        address=address(carrier.address),
        email=carrier.email or "",
        phone=carrier.phone or "",
        tax_id=carrier.tax_id or "",
        mc_number=carrier.mc_num or "",
        dot_number=carrier.us_dot_num or "",
        factoring=_factoring(carrier.factoring_company),
    )


def days(carrier: StatementCarrier | BilledCarrier) -> int | None:
    """The payment terms in days: those of the factoring company, else those of the carrier; None if neither has any.

    Source: Alvys's article "Sage Intacct: Transaction Export and Modification".
    """
    factoring = carrier.factoring_terms_in_days if carrier.factoring_company else None
    return factoring if factoring is not None else carrier.terms_in_days


def item_of(item: CarrierItem) -> tuple[CategoryItem, str]:
    """Choose the category and item of one amount of a statement or intercompany bill, and the start of its memo.

    Raises:
        Refusal: The explicit mapping of the amount names no category of AP.
    """
    tag = item.accounting_tag or item.description or ""
    return named(Side.AP, item.mapping) or for_carrier_item(item.kind, tag), item.description or tag or item.kind


def _factoring(company: FactoringCompany | None) -> Profile | None:
    if company is None or not company.name:
        return None
    return Profile(
        alvys_id=company.id or None,
        name=company.name,
        external_id=company.external_accounting_id,
        address=address(company.address),
        email=company.email or "",
        phone=company.phone or "",
        tax_id=company.tax_id or "",
    )


def _external_id(ids: list[ExternalId], subsidiary_id: str) -> str | None:
    ours = [one for one in ids if one.subsidiary_id == subsidiary_id and one.external_accounting_id]
    found = list(dict.fromkeys([one.external_accounting_id for one in ours]))
    if len(found) > 1:  # perhaps one is left over from another integration of the same subsidiary
        intacct = [one for one in ours if "intacct" in (one.integration_type or "").casefold()]
        found = list(dict.fromkeys([one.external_accounting_id for one in intacct])) or found
    if len(found) > 1:
        raise Refusal(Code.PARTY_AMBIGUOUS, f"the carrier has several External Accounting IDs here: {found}")
    return found[0] if found else None
