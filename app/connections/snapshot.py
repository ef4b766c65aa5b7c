"""A snapshot of the data that a check needs from a company in Sage, read in some ten requests and without documents.

A part that could not be read is None, and a finding among `gaps` says why. The requests read whole lists (accounts,
terms) or only the records that settings name (vendors, the location). Whether the user may read an object is tested by
a query that matches no record. Whether the user may create records cannot be tested without creating one.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from app.connections.findings import Finding, SetupProblem, Severity, finding
from domain.categories import Side
from sage_client import Account, Entity, Login, Query, SageClient, SageError, Term, equal, one_of
from sage_client.errors import FieldMissingError, PermissionDeniedError, RefusedError, RequestInvalidError
from sage_client.reference_data import ACTIVE

T = TypeVar("T")
READ = {
    "AR invoices": "ARINVOICE",
    "AP bills": "APBILL",
    "customers": "CUSTOMER",
    "vendors": "VENDOR",
}
"""Objects that the service queries, by their names for people."""
UNKNOWABLE = "whether the user may create and change documents and parties: Sage shows it with the first document"


@dataclass(frozen=True, slots=True)
class DimensionFact:
    """A dimension of the company.

    `values` maps each value's id to the reason why nothing can be posted to it; None: the value can be used.
    `values` itself is None if the values were not read.
    """

    object: str
    label: str
    in_gl: bool
    values: Mapping[str, str | None] | None = None
    unreadable: str = ""
    """Error text shown to people if the list of values cannot be read; "" if it can."""


@dataclass(frozen=True, slots=True)
class FieldFact:
    """A custom field. `refused` says why it cannot be mapped; None: it can."""

    object: str
    name: str
    required: bool
    refused: str | None


@dataclass(frozen=True, slots=True)
class CompanySnapshot:
    """The snapshot. None: the part was not read, or could not be."""

    accounts: Mapping[str, Account] | None = None
    terms: Mapping[Side, Mapping[str, Term] | None] = field(default_factory=dict)
    entities: tuple[Entity, ...] | None = None
    """Read only in a top-level session; a connection to an entity implies that the company has entities."""
    vendors: Mapping[str, bool] | None = None
    """Whether each vendor that settings name is active, by id. A vendor that does not exist is absent."""
    locations: Mapping[str, bool] | None = None
    """The same for the connection's own location."""
    carrier_field: bool | None = None
    """Whether vendors have the field that the settings name for carriers' numbers."""
    dimensions: tuple[DimensionFact, ...] | None = None
    fields: tuple[FieldFact, ...] | None = None
    gaps: tuple[Finding, ...] = ()


@dataclass(slots=True)
class SnapshotReader:
    """Reader of a company, part by part. A part that fails is recorded as a gap, and the other parts are still read."""

    client: SageClient
    login: Login
    gaps: list[Finding] = field(default_factory=list)

    async def part(self, words: str, reading: Awaitable[T]) -> T | None:
        """Read one part. If it fails, record a gap and return None.

        Args:
            words: The name of the part for people.
            reading: The request.
        """
        try:
            return await reading
        except PermissionDeniedError as error:
            what = f"user {self.login.user_id} may not read {words}. Sage says: {error}"
            self.gaps.append(finding(SetupProblem.PERMISSION_MISSING, what))
        except SageError as error:
            what = f"{words} could not be read: {error}"
            self.gaps.append(finding(SetupProblem.SAGE_NOT_REACHED, what))
        return None

    async def books(
        self, vendor_ids: tuple[str, ...], location_id: str | None, carrier_field: str | None = None
    ) -> CompanySnapshot:
        """Read the snapshot, except dimensions and custom fields (`discovery` adds those).

        Args:
            vendor_ids: The vendors that settings name.
            location_id: The connection's location, if it has one.
            carrier_field: The vendors' field for carriers' numbers, if one is used.
        """
        accounts = await self.part("GL accounts", self.client.accounts(self.login))
        terms: dict[Side, Mapping[str, Term] | None] = {}
        for side in Side:
            listed = await self.part(f"{side.upper()} terms", self.client.terms(self.login, side))
            terms[side] = None if listed is None else {term.name: term for term in listed}
        entities = None
        if self.login.entity_id is None:
            found = await self.part("entities", self.client.entities(self.login))
            entities = None if found is None else tuple(found)
        for words, name in READ.items():
            await self.part(words, self.client.query(self.login, Query(name, (), equal("RECORDNO", "0"))))
        vendors = await self.part("vendors by id", self._active("VENDOR", "VENDORID", vendor_ids))
        own = () if location_id is None else (location_id,)
        locations = await self.part("locations", self._active("LOCATION", "LOCATIONID", own))
        has_field = None
        if carrier_field is not None:
            has_field = await self.part(f"the vendors' field {carrier_field}", self._has_field("VENDOR", carrier_field))
        self.gaps.append(finding(SetupProblem.NOT_CHECKED, UNKNOWABLE, severity=Severity.NOTE))
        numbered = None if accounts is None else {each.number: each for each in accounts}
        return CompanySnapshot(numbered, terms, entities, vendors, locations, has_field, gaps=tuple(self.gaps))

    async def _has_field(self, name: str, field_name: str) -> bool:
        try:
            await self.client.query(self.login, Query(name, (field_name,), equal("RECORDNO", "0")))
        except (FieldMissingError, RefusedError, RequestInvalidError):
            return False
        return True

    async def _active(self, name: str, key: str, ids: tuple[str, ...]) -> dict[str, bool]:
        if not ids:
            return {}
        rows = await self.client.query(self.login, Query(name, (key, "STATUS"), one_of(key, ids)))
        return {row.get(key, ""): row.get("STATUS", "").strip().lower() in ACTIVE for row in rows}
