"""Creates in Sage Intacct the customers and vendors that it lacks, each once.

No document is sent before its party is proven to exist. That needs no ledger: the id is ours and never changes
(`domain.parties.matching.derived_id`, or the External Accounting ID), Sage has no two records of one id, and whatever
the answer to a call is, or if there is none, a look-up of that id shows the truth:

==========================  ==========================================================================================
created                     Sage said so
found by the look-up        created by us before, by another worker at the same time, or by hand: it is used
not found, and refused      a contact's name was somebody else's: tried again under another; else a person has to act
not found, answer unknown   the document waits a little and is prepared again; the id can still be created only once
==========================  ==========================================================================================
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import structlog

from consumers.export.enrichment.party_cache import PartyCache
from domain.codes import Code
from domain.documents import Connection, PartyKind
from domain.idempotency import control_id
from domain.outcomes import Rejected
from domain.parties.matching import creatable, derived_id, made_for_note
from domain.parties.party_fields import contact_fields, fields_given
from domain.parties.profiles import DEFAULT_PARTY_RULES, PartyRules, Profile
from sage_client import Answer, Done, ErrorCategory, ExchangeLevel, Login, PartyCall, Refused, SageClient, SageError
from sage_client.errors import (
    DuplicateCallError,
    DuplicateNumberError,
    PermissionDeniedError,
    RequestInvalidError,
    UnavailableError,
)
from sage_client.parties import contact_name, contacts_query, create, create_contact

log = structlog.get_logger(__name__)

OPERATION = "create-party"
"""Operation in the control ids of these calls."""
CONTACT_NAMES = 3
"""Number of names that are tried for a party's contact."""


@dataclass(frozen=True, slots=True)
class NewParty:
    """A customer or vendor to be created."""

    id: str
    kind: PartyKind
    profile: Profile
    rules: PartyRules
    term: str | None = None
    """The payment term of its profile, if Sage has it."""

    @property
    def factoring(self) -> Profile | None:
        """The factoring company to be created with the vendor, as a contact or a vendor. None if there is none."""
        company = self.profile.factoring
        wanted = self.kind is PartyKind.VENDOR and self.rules.factoring_as != "none"
        return company if wanted and company is not None and (company.alvys_id or company.external_id) else None


CreationResult = Rejected | SageError | None
"""None: the party is proven to exist. `Rejected`: a person has to act. `SageError`: not known yet, try again."""


class PartyCreator:
    """Creates the parties of one company, many in one request.

    Args:
        client: The Sage client.
        directory: Looks ids up.
    """

    def __init__(self, client: SageClient, directory: PartyCache) -> None:
        self._client = client
        self._directory = directory
        self._again: dict[str, int] = {}
        """How often Sage said that it had executed a call although the party was not found. The counter only varies the
        control id of the next call; that each id is created once does not depend on it."""

    async def make(
        self, login: Login, connection: Connection, parties: Sequence[NewParty]
    ) -> dict[str, CreationResult]:
        """Create parties, and return the outcome of each by its id.

        Args:
            login: The user to sign in with.
            connection: The connection whose documents need the parties.
            parties: The parties, all of one kind and one place.

        Raises:
            SageError: The company as a whole did not take the request, or a look-up failed.
        """
        made: dict[str, CreationResult] = dict(await self._factoring(login, connection, parties))
        left = [party for party in parties if party.id not in made]
        for attempt in range(CONTACT_NAMES):
            if not left:
                break
            changes = {party.id: self._creation(connection, party, attempt) for party in left}
            made |= {party_id: found for party_id, found in changes.items() if isinstance(found, Rejected)}
            calls = {party_id: found for party_id, found in changes.items() if isinstance(found, PartyCall)}
            answers = await self._send(login, calls)
            clashes = await self._settle(login, parties[0].kind, answers, made)
            left = [party for party in left if party.id in clashes]
        made |= {party.id: _refused(clashes[party.id]) for party in left}
        for party in parties:
            if made[party.id] is None:
                log.info("a party was made in sage", kind=party.kind, id=party.id, company=login.company_id)
        return made

    def _creation(self, connection: Connection, party: NewParty, attempt: int) -> PartyCall | Rejected:
        if not creatable(party.id):
            return Rejected(Code.PARTY_NOT_CREATED, f"{party.id!r} cannot be the id of a new {party.kind}")
        factoring = party.factoring if party.rules.factoring_as == "contact" else None
        alvys_id = party.profile.alvys_id
        note = {"COMMENTS": made_for_note(alvys_id)} if alvys_id else {}
        try:
            xml = create(
                party.kind,
                party.id,
                party.profile.name,
                contact_name(party.kind, party.id, party.profile.name, attempt),
                fields_given(party.kind, party.profile, party.term) | note,
                pay_to=_factoring_contact(factoring, connection) if factoring is not None else "",
            )
        except RequestInvalidError as error:
            return _refused(error)
        return PartyCall(self._control_id(connection, f"{party.kind}/{party.id}", xml), xml)

    def _control_id(self, connection: Connection, what: str, xml: str) -> str:
        content = sha256(xml.encode()).hexdigest()
        again = self._again.get(what.rpartition("/")[2], 0)
        return control_id(connection.company_id, connection.entity_id, f"party/{what}", content, OPERATION, again)

    async def _send(self, login: Login, calls: Mapping[str, PartyCall]) -> dict[str, Answer]:
        if not calls:
            return {}
        answers = dict(zip(calls, await self._client.change(login, list(calls.values()), unique=True), strict=True))
        for answer in answers.values():
            if isinstance(answer, Refused) and _the_companys(answer.error):
                raise answer.error
        return answers

    async def _settle(
        self, login: Login, kind: PartyKind, answers: Mapping[str, Answer], made: dict[str, CreationResult]
    ) -> dict[str, SageError]:
        """Set the outcome of each call in `made`, by its answer or by a look-up. Returns contact-name clashes by id."""
        unproven = {party_id: each.error for party_id, each in answers.items() if not isinstance(each, Done)}
        there = await self._directory.fetch(login, kind, unproven) if unproven else {}
        made |= {party_id: None for party_id in answers if party_id not in unproven or party_id in there}
        clashes: dict[str, SageError] = {}
        for party_id, error in unproven.items():
            if party_id in there:
                continue
            if isinstance(error, DuplicateNumberError):
                clashes[party_id] = error
            else:
                made[party_id] = self._not_there(party_id, error, f"the {kind}")
        return clashes

    def _not_there(self, what: str, error: SageError, words: str) -> Rejected | SageError:
        if isinstance(error, PermissionDeniedError) or error.kind in (ErrorCategory.DATA, ErrorCategory.BUG):
            return _refused(error)
        if isinstance(error, DuplicateCallError):
            self._again[what] = self._again.get(what, 0) + 1
        return UnavailableError(
            f"{words} {what} was to be made and is not there yet: {error}", level=ExchangeLevel.RESULT
        )

    # Factoring companies, which are created before the carriers that name them.

    async def _factoring(
        self, login: Login, connection: Connection, parties: Sequence[NewParty]
    ) -> dict[str, CreationResult]:
        """Create the factoring companies. Returns the carriers that cannot be created because theirs could not."""
        contacts = {
            _factoring_contact(party.factoring, connection): party.factoring
            for party in parties
            if party.factoring is not None and party.rules.factoring_as == "contact"
        }
        vendors = {
            factoring_id(party.factoring, connection): party.factoring
            for party in parties
            if party.factoring is not None and party.rules.factoring_as == "vendor"
        }
        missing: dict[str, CreationResult] = dict(await self._contacts(login, connection, contacts)) if contacts else {}
        if vendors:
            there = await self._directory.fetch(login, PartyKind.VENDOR, vendors)
            new = [
                NewParty(party_id, PartyKind.VENDOR, profile, DEFAULT_PARTY_RULES)
                for party_id, profile in vendors.items()
                if party_id not in there
            ]
            missing |= await self.make(login, connection, new) if new else {}
        without: dict[str, CreationResult] = {}
        for party in parties:
            name = _factoring_key(party, connection)
            if name is not None and (why := missing.get(name)) is not None:
                without[party.id] = why
        return without

    async def _contacts(
        self, login: Login, connection: Connection, contacts: Mapping[str, Profile]
    ) -> dict[str, CreationResult]:
        made: dict[str, CreationResult] = {}
        calls: dict[str, PartyCall] = {}
        for name, profile in contacts.items():
            try:
                xml = create_contact(name, profile.name, contact_fields(profile))
            except RequestInvalidError as error:
                made[name] = _refused(error)
            else:
                calls[name] = PartyCall(self._control_id(connection, f"contact/{name}", xml), xml)
        answers = await self._send(login, calls)
        unproven = {name: each.error for name, each in answers.items() if not isinstance(each, Done)}
        rows = await self._client.query(login, contacts_query(unproven)) if unproven else []
        there = {row.get("CONTACTNAME", "") for row in rows}
        made |= {
            name: self._not_there(name, error, "the contact") for name, error in unproven.items() if name not in there
        }
        return made


def factoring_id(profile: Profile, connection: Connection) -> str:
    """The id that a factoring company has as a vendor."""
    return profile.external_id or derived_id(PartyKind.VENDOR, connection.entity_id, profile.alvys_id or "")


def _factoring_contact(profile: Profile, connection: Connection) -> str:
    return contact_name("factoring", factoring_id(profile, connection), profile.name)


def _factoring_key(party: NewParty, connection: Connection) -> str | None:
    if party.factoring is None:
        return None
    if party.rules.factoring_as == "contact":
        return _factoring_contact(party.factoring, connection)
    return factoring_id(party.factoring, connection)


def _the_companys(error: SageError) -> bool:
    """Whether the error is about the whole request, so that it says nothing about one party."""
    if error.kind in (ErrorCategory.AUTH, ErrorCategory.CONFIGURATION):
        return not isinstance(error, PermissionDeniedError)
    return error.kind in (ErrorCategory.RETRY, ErrorCategory.THROTTLED) and error.level is not ExchangeLevel.RESULT


def _refused(error: SageError) -> Rejected:
    return Rejected(Code.PARTY_NOT_CREATED, str(error))
