"""The record on `sage-parties`: under which id a customer, carrier or driver of Alvys stands in Sage Intacct.

Told for ids that this service chose: the event brought none, so Alvys does not know it yet. The topic is compacted: its
newest record of a key is the truth, and to tell it again changes nothing.
"""

import orjson

from domain.documents import Connection, SourceDocument
from domain.parties import own_id
from domain.reading.texts import key_part

SCHEMA = 1


def announcement(source: SourceDocument, connection: Connection, party_id: str | None) -> tuple[str, bytes] | None:
    """Key and value for a document whose party is known by an id of ours; None for any other.

    Args:
        source: The document as its event gives it.
        connection: Where the party stands.
        party_id: Its id there.
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
