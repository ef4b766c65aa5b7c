"""The carrier as a vendor, on statements and bills alike."""

from domain.codes import Code
from domain.documents import PartyKind, PartyRef
from domain.events.settlement import Carrier, ExternalId
from domain.reading.refusal import Refusal


def vendor(carrier: Carrier, subsidiary_id: str) -> PartyRef:
    """Whose bill it is: the carrier, also where a factoring company is the payee.

    Only the External Accounting ID of this subsidiary counts; another's is not matched (requirement 41).

    Raises:
        Refusal: `PARTY_AMBIGUOUS` if the profile gives several ids for this subsidiary.
    """
    return PartyRef(
        kind=PartyKind.VENDOR,
        external_id=_external_id(carrier.external_ids or [], subsidiary_id),
        names=tuple([name for name in (carrier.external_name, carrier.name) if name]),
    )


def _external_id(ids: list[ExternalId], subsidiary_id: str) -> str | None:
    ours = [one for one in ids if one.subsidiary_id == subsidiary_id and one.external_accounting_id]
    found = list(dict.fromkeys([one.external_accounting_id for one in ours]))
    if len(found) > 1:  # left over from another integration of the same subsidiary, perhaps
        intacct = [one for one in ours if "intacct" in (one.integration_type or "").casefold()]
        found = list(dict.fromkeys([one.external_accounting_id for one in intacct])) or found
    if len(found) > 1:
        raise Refusal(Code.PARTY_AMBIGUOUS, f"the carrier has several External Accounting IDs here: {found}")
    return found[0] if found else None
