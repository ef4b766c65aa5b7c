"""The record on `sage-parties`: the Sage Intacct id of a customer, carrier or driver of Alvys.

It is published only for ids that this service chose: their events have no External Accounting ID, so Alvys does not
know the id yet. The topic is compacted. The newest record of a key is valid, and publishing it again changes nothing.
"""

import orjson

from domain.documents import Connection, SourceDocument
from domain.parties.matching import own_id
from domain.translation.texts import key_part

SCHEMA = 1


def announcement(source: SourceDocument, connection: Connection, party_id: str | None) -> tuple[str, bytes] | None:
    """Build key and value of the record; None if the party's id was not chosen by this service.

    Args:
        source: The source document.
        connection: The Sage company and entity of the party.
        party_id: The Sage id of the party; None if it is not known.
    """
    profile = source.profile
    if profile is None or party_id is None or party_id != own_id(source, connection.entity_id):
        return None
    key = f"{key_part(source.subsidiary_id)}/{source.party.kind}/{key_part(profile.alvys_id or '')}"
    return key, orjson.dumps(
        {
            "schema": SCHEMA,
            "subsidiaryId": source.subsidiary_id,
            "kind": source.party.kind,
            "alvysId": profile.alvys_id,
            "externalAccountingId": party_id,
            "companyId": connection.company_id,
            "entityId": connection.entity_id,
            "documentKey": source.key,
        }
    )
