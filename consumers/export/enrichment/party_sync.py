"""Updates records in Sage Intacct from their profiles in Alvys, if a connection wants that.

Only fields that the profile has and Sage has otherwise, at most once for each content of a profile. Never an inactive
record, and never the name, by which people and documents find the record. A failure is logged and delays no document.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

import structlog

from consumers.export.enrichment.party_cache import PartyCache
from domain.documents import PartyKind
from domain.parties.matching import PartyRecord
from domain.parties.party_fields import differing, fields_given
from domain.parties.profiles import Profile
from sage_client import Done, Login, PartyCall, SageClient
from sage_client.parties import update

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PartyToSync:
    """A record in Sage that was found for a document whose connection keeps its parties up to date."""

    kind: PartyKind
    record: PartyRecord
    profile: Profile
    term: str | None


class PartySync:
    """Keeps the party records of one company up to date.

    Args:
        client: The Sage client.
        directory: The cache, which reads updated records again.
    """

    def __init__(self, client: SageClient, directory: PartyCache) -> None:
        self._client = client
        self._directory = directory
        self._done: dict[tuple[str | None, str], str] = {}
        """Hash of the profile content that each record was last given, or was refused."""

    async def follow(self, login: Login, records: Iterable[PartyToSync]) -> None:
        """Update the records that differ from their profiles, all in one request."""
        changes: dict[str, PartyCall] = {}
        for one in records:
            given = fields_given(one.kind, one.profile, one.term)
            content = sha256(repr(sorted(given.items())).encode()).hexdigest()
            place = (login.entity_id, f"{one.kind}/{one.record.id}")
            new = differing(given, one.record.details or {})
            if not new or self._done.get(place) == content or one.record.id in changes:
                continue
            self._done[place] = content
            changes[one.record.id] = PartyCall(
                f"update-{content}-{one.record.id}", update(one.kind, one.record.id, new)
            )
            kind = one.kind
        if not changes:
            return
        for party_id, answer in zip(
            changes, await self._client.change(login, list(changes.values()), unique=False), strict=True
        ):
            if isinstance(answer, Done):
                log.info("a party was updated in sage", kind=kind, id=party_id, company=login.company_id)
            else:
                log.warning("a party could not be updated in sage", id=party_id, error=str(answer.error))
        self._directory.invalidate(kind, changes)
