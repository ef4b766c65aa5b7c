"""The client: sign in, post documents, look them up, read lists. `errors` has every error that can occur.

Guarantees:

1. `post` never raises because of Sage or the network; each call gets exactly one answer.
2. `Done` means that Sage reported success and named the record. `Refused` means that this call booked nothing. Every
   other outcome is `Unknown`.
3. Nothing is retried, except in one case that is proven safe: Sage refused the session, or says that it ended. After
   one new sign-in, the refused functions are sent again under their control ids.
4. A cancelled call raises `CancelledError` at once. Bytes may have been sent by then, so the caller has to treat the
   outcome as unknown.
5. Reads are complete, or they raise.
6. No secret is in any repr, error, traceback context or log line.
7. All requests to one company share one rate limit (`rate_limiter`): sign-ins, postings, look-ups, lists and probes.
8. A query selects only fields that the company has, as far as Sage tells (`_fields`). A missing field that the query
   cannot do without is an error.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from logging import getLogger
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from domain.categories import Side
from domain.documents import PartyKind, SageObject
from domain.parties.matching import PartyRecord
from domain.settings.custom_fields import FieldObject
from sage_client import _envelope, discovery, parties, reference_data
from sage_client._classify import as_read, classify
from sage_client._endpoint import is_loopback
from sage_client._error_categories import ExchangeLevel
from sage_client._error_table import session_is_over
from sage_client._fields import Fields, lookup
from sage_client._paging import Reads, Send, advanced, read_one
from sage_client._reply import SUCCESS, Reply, SageRow
from sage_client._session import Session, Sessions, opened
from sage_client._transport import RequestBody, Transport
from sage_client.answers import Answer, Call, failed, in_resend, match, session_ended
from sage_client.corrections import Correction, render_call
from sage_client.discovery import CustomField, Dimension, DimensionValue
from sage_client.errors import (
    ConfigurationError,
    DimensionUnreadableError,
    PermissionDeniedError,
    RequestInvalidError,
    SageError,
    SignInError,
    TooLateError,
)
from sage_client.login import Login
from sage_client.lookups import DocumentKey, Found, every_document, found
from sage_client.parties import NAMES_ONLY, PartyCall, PartyFields
from sage_client.query import Changes, Query
from sage_client.rate_limiter import RateLimit, RateLimiter
from sage_client.records import SageRecord, line_queries, lines, record_of, record_queries
from sage_client.reference_data import Account, Entity, Term
from sage_client.timeouts import Timeouts

log = getLogger("sage_client")

GATEWAY_URL = "https://api.intacct.com/ia/xml/xmlgw.phtml"
"""The address at which every session starts (Sage developer documentation, web-services)."""

KEEP_ALIVE = 5.0
"""Seconds for which an idle connection is kept.

The time is short, so that this side closes the connection before Sage does: a request on a connection that the other
side is closing has an unknown outcome.
"""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SageClient:
    """A client of the XML gateway for any number of companies. It is an async context manager.

    Args:
        gateway_url: The address at which sessions start; any http(s) address. Logins are sent only there.
        sender_id: The id of our Web Services sender.
        sender_password: The password of the sender.
        timeouts: The time-outs; None: the defaults of `Timeouts`.
        transport: The HTTP transport; None: the network. Tests plug in `httpx.MockTransport`.
        clock: Returns the present time, with time zone.
        rate_limit: The rate limit for one company, for all its requests together.
        marker_field: The integration name of the custom field for our marker; None: the marker is in the description.
        endpoint_domain: The domain of accepted session endpoints; None: that of the gateway, as described in
            `_endpoint`.
    """

    def __init__(  # noqa: PLR0913 - settings, by keyword, each with its default
        self,
        gateway_url: str,
        sender_id: str,
        sender_password: SecretStr,
        *,
        timeouts: Timeouts | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = _utc_now,
        rate_limit: RateLimit = RateLimit(),  # noqa: B008 - frozen
        marker_field: str | None = None,
        endpoint_domain: str | None = None,
    ) -> None:
        self._gateway_url = gateway_url
        self._endpoint_domain = endpoint_domain
        self._sender = _envelope.Sender(sender_id, sender_password)
        self._marker_field = marker_field
        self._rate_limiter = RateLimiter(rate_limit)
        timeouts = timeouts or Timeouts()
        self._http = _http(gateway_url, timeouts, transport)
        self._transport = Transport(self._http, timeouts, clock)
        self._clock = clock
        self._sessions = Sessions(self._sign_in, clock)
        self._fields = Fields(clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. Sessions end by themselves."""
        await self._http.aclose()

    async def post(
        self,
        login: Login,
        calls: Sequence[Call | Correction],
        *,
        not_after: datetime | None = None,
        wanted: Callable[[], bool] | None = None,
        resent: Collection[str] = (),
    ) -> list[Answer]:
        """Create or correct documents in one request, with one independent function per call.

        Args:
            login: The login whose session is used.
            calls: The documents to create or correct, each under its control id.
            not_after: The latest time at which the request may begin, after signing in and waiting for the rate limit.
                Later, nothing is sent, and all calls are refused with `TooLateError`. None: no limit.
            wanted: Called directly before the bytes are sent. If it returns False, nothing is sent, and all calls are
                refused with `TooLateError`. None: always send.
            resent: Control ids that may have been sent before. If Sage refuses such a call and names its control id,
                the answer is `Unknown`, because the earlier send may still be running.

        Returns:
            One answer per call, in the order of the calls.

        Raises:
            ValueError: Two calls share a control id, so their answers could not be told apart.
        """
        if len({call.control_id for call in calls}) != len(calls):
            raise ValueError("two calls of one request share a control id")
        answers: dict[str, Answer] = {}
        functions: dict[str, str] = {}
        known = {call.control_id: call.record_no for call in calls if not isinstance(call, Call)}
        for call in calls:
            try:
                xml = render_call(call, self._marker_field)
            except RequestInvalidError as error:
                answers[call.control_id] = failed(call.control_id, error)
            else:
                functions[call.control_id] = _envelope.function(call.control_id, xml)

        def check() -> None:
            self._may_begin(not_after, wanted)

        if functions:
            answers |= await self._written(login, functions, known, resent, unique=True, before=check)
        return [answers[call.control_id] for call in calls]

    async def find(self, login: Login, keys: Sequence[DocumentKey]) -> list[list[Found]]:
        """Look documents up by number and party.

        Args:
            login: The login whose session is used.
            keys: The documents to look up.

        Returns:
            For each key, in order, all records in Sage with that number and party, the oldest first.

        Raises:
            SageError: The look-up failed. This proves nothing, least of all that a document does not exist.
        """
        rows = await self._read(login, [key.query(self._marker_field) for key in keys])
        marker = self._marker_field
        return [[found(key.object, row, marker) for row in own] for key, own in zip(keys, rows, strict=True)]

    async def documents(
        self, login: Login, kind: SageObject, after: int | None = None
    ) -> tuple[list[Found], int | None]:
        """Read one page of all documents of a kind, ours or not, in the order of their record numbers.

        Args:
            login: The login whose session is used.
            kind: The Sage object of the documents.
            after: The record number to go on after; None: from the first document.

        Returns:
            The documents, and the record number to go on after; None after the last page.

        Raises:
            SageError: The page could not be read completely.
        """
        rows, last = await self.page(login, every_document(kind, self._marker_field), after)
        page = [found(kind, row, self._marker_field) for row in rows]
        return page, None if last or not page else advanced([row["RECORDNO"] for row in rows], after)

    async def records(
        self, login: Login, kind: SageObject, record_nos: Sequence[str], *, lines_too: bool = False
    ) -> dict[str, SageRecord]:
        """Read documents of one kind by their record numbers.

        Args:
            login: A login for the company and entity that the documents were posted to.
            kind: The Sage object of the documents.
            record_nos: The record numbers.
            lines_too: Whether to read the `lines` of drafts too.

        Returns:
            The documents by record number. Documents that Sage does not show are left out.

        Raises:
            SageError: The look-up failed. This proves nothing, least of all that a document does not exist.
        """
        pages = await self._read(login, record_queries(kind, list(dict.fromkeys(record_nos))))
        there = {each.record_no: each for rows in pages for each in (record_of(kind, row) for row in rows)}
        drafts = [each.record_no for each in there.values() if each.draft] if lines_too else []
        queries = line_queries(kind, drafts)
        if queries:
            for record_no, rows in zip(drafts, await self._read(login, queries), strict=True):
                there[record_no] = replace(there[record_no], lines=lines(rows))
        return there

    async def parties(
        self,
        login: Login,
        kind: PartyKind,
        fields: PartyFields = NAMES_ONLY,
        ids: Iterable[str] | None = None,
    ) -> list[PartyRecord]:
        """Read customers or vendors, active or not.

        Args:
            login: The login whose session is used.
            kind: Customers or vendors.
            fields: The fields to read, besides id, name and status.
            ids: The ids to read; None: all.

        Raises:
            SageError: The list could not be read completely.
        """
        pages = await self._read(login, parties.queries(kind, fields, ids))
        return [parties.party(kind, fields, row) for rows in pages for row in rows]

    async def change(self, login: Login, changes: Sequence[PartyCall], *, unique: bool) -> list[Answer]:
        """Create or change records that are not documents, such as customers, in one request with one function each.

        Args:
            login: The login whose session is used.
            changes: The functions, each under a control id of its own.
            unique: Whether Sage should refuse a control id that it already executed.

        Returns:
            One answer per change, in order, as for `post`.
        """
        functions = {change.control_id: _envelope.function(change.control_id, change.xml) for change in changes}
        answers = await self._written(login, functions, {}, (), unique=unique)
        return [answers[change.control_id] for change in changes]

    async def accounts(self, login: Login) -> list[Account]:
        """Read all GL accounts that can be posted to, active or not; raises SageError like `parties`."""
        return [reference_data.account(row) for row in await self.query(login, reference_data.accounts_query())]

    async def entities(self, login: Login) -> list[Entity]:
        """Read all entities, active or not; empty for a company without several entities. Raises like `parties`."""
        return [reference_data.entity(row) for row in await self.query(login, reference_data.entities_query())]

    async def terms(self, login: Login, side: Side) -> list[Term]:
        """Read all payment terms of a side, active or not; raises SageError like `parties`."""
        return [reference_data.term(row) for row in await self.query(login, reference_data.terms_query(side))]

    async def dimensions(self, login: Login) -> list[Dimension]:
        """Read the dimensions of the company, including those that cannot be mapped (`Dimension.withheld`).

        Raises:
            SageError: The list could not be read completely.
        """
        [result] = await read_one(self._send(login), [discovery.GET_DIMENSIONS])
        return discovery.dimensions(result.data)

    async def dimension_values(self, login: Login, dimension: Dimension) -> list[DimensionValue]:
        """Read all values of a dimension, usable or not.

        Raises:
            DimensionUnreadableError: The user may not read this user-defined dimension, so it belongs to Platform Apps.
            SageError: The list could not be read completely.
        """
        try:
            rows = await self.query(login, discovery.values_query(dimension))
        except PermissionDeniedError as denied:
            if not dimension.user_defined:
                raise
            unreadable = DimensionUnreadableError.of(dimension.object, denied)
        else:
            return [discovery.value(dimension, row) for row in rows]
        raise unreadable

    async def custom_fields(self, login: Login, *objects: FieldObject) -> list[CustomField]:
        """Read the custom fields of the objects, including those that are not supported; raises like `parties`."""
        results = await read_one(self._send(login), [lookup(each.object) for each in objects])
        return [
            field
            for each, result in zip(objects, results, strict=True)
            for field in discovery.custom_fields(each, result.data)
        ]

    async def probe(self, login: Login) -> None:
        """Check that Sage accepts calls of this user, with one call in its session that books nothing.

        Raises:
            SageError: Sage does not accept the call.
        """
        call = _envelope.function(_envelope.unique_id(), _envelope.get_api_session(login.entity_id))
        try:
            opened(await self._asked(login, [call]), login, self._gateway_url, self._endpoint_domain)
        except SageError as error:
            failure = as_read(error)
        else:
            return
        raise failure

    async def query(self, login: Login, query: Query) -> list[SageRow]:
        """Read all rows of a query, over as many pages as needed.

        Raises:
            SageError: The rows could not be read completely.
        """
        [rows] = await self._read(login, [query])
        return rows

    async def page(
        self,
        login: Login,
        query: Query | Changes,
        after: int | None = None,
        *,
        allow: Callable[[], None] = lambda: None,
    ) -> tuple[list[SageRow], bool]:
        """Read one page of a query: the rows whose key is greater than `after`.

        This takes one request, apart from the few that look up the fields of the company (`sage_client._fields`).

        Args:
            login: The login whose session is used.
            query: The query.
            after: The last key that was read; None: from the beginning.
            allow: Called before each request. If it raises, the request is not sent.

        Returns:
            The rows, and whether the page is the last.

        Raises:
            SageError: The page could not be read.
        """
        return await self._reads(login, allow).page(query, after)

    async def _read(self, login: Login, queries: Sequence[Query]) -> list[list[SageRow]]:
        return await self._reads(login).all(queries)

    def _reads(self, login: Login, allow: Callable[[], None] = lambda: None) -> Reads:
        return Reads(self._send(login, allow), self._fields.of(login))

    def _send(self, login: Login, allow: Callable[[], None] = lambda: None) -> Send:
        async def send(functions: Sequence[str]) -> Reply:
            allow()
            try:
                return await self._asked(login, functions)
            except SageError as error:
                failure = as_read(error)
            raise failure

        return send

    async def _asked(self, login: Login, functions: Sequence[str]) -> Reply:
        """Send functions that only read. If a result says that the session ended, send all of them once more."""
        reply = await self._call(login, functions, unique=False)
        if not _ended_within(reply):
            return reply
        self._sessions.drop(login)
        return await self._call(login, functions, unique=False)

    def _may_begin(self, not_after: datetime | None, wanted: Callable[[], bool] | None) -> None:
        if not_after is not None and self._clock() > not_after:
            raise TooLateError("it was too late to send when its turn came")
        if wanted is not None and not wanted():
            raise TooLateError("nobody wanted it any more when its turn came")

    async def _written(
        self,
        login: Login,
        functions: Mapping[str, str],
        known: Mapping[str, str],
        resent: Collection[str],
        *,
        unique: bool,
        before: Callable[[], None] | None = None,
    ) -> dict[str, Answer]:
        """Send functions that write, and return their answers by control id.

        Functions whose result says that the session ended are sent once more, in a new session.
        """
        answers = await self._answered(login, functions, known, resent, unique=unique, before=before)
        ended = {control_id: xml for control_id, xml in functions.items() if session_ended(answers[control_id])}
        if ended:
            self._sessions.drop(login)
            answers |= await self._answered(login, ended, known, ended, unique=unique, before=before)
        return answers

    async def _answered(
        self,
        login: Login,
        functions: Mapping[str, str],
        known: Mapping[str, str],
        resent: Collection[str],
        *,
        unique: bool,
        before: Callable[[], None] | None,
    ) -> dict[str, Answer]:
        try:
            reply = await self._call(login, list(functions.values()), unique=unique, before=before)
        except SageError as error:
            answers = {control_id: failed(control_id, error) for control_id in functions}
        else:
            answers = match(list(functions), reply, known)
            resent = functions if reply.repeated else resent
        return {control_id: in_resend(answer, resent) for control_id, answer in answers.items()}

    async def _call(
        self, login: Login, functions: Sequence[str], *, unique: bool, before: Callable[[], None] | None = None
    ) -> Reply:
        """Send functions in the session of the login; if Sage refuses the session, send them once more in a new one.

        If Sage reports the end of the session in place of results, some functions may have run. When they are sent
        again, Sage refuses those by their control ids.
        """
        session = await self._sessions.get(login)
        try:
            return await self._in_session(login, session, functions, unique=unique, before=before)
        except SageError as refused:
            if not isinstance(refused, SignInError) and not session_is_over(refused.errors):
                raise
            log.info("sage session refused, signing in again: company=%s %s", login.company_id, refused)
        session = await self._sessions.get(login, but=session)
        try:
            reply = await self._in_session(login, session, functions, unique=unique, before=before)
        except SignInError:
            self._sessions.forget(login, session)
            raise
        return replace(reply, repeated=True)

    async def _in_session(
        self,
        login: Login,
        session: Session,
        functions: Sequence[str],
        *,
        unique: bool,
        before: Callable[[], None] | None,
    ) -> Reply:
        who = _envelope.Authentication.by_session(session.id)
        reply = await self._exchange(login, session.endpoint, who, functions, unique=unique, before=before)
        session.renewed(reply)
        return reply

    async def _sign_in(self, login: Login) -> Session:
        """Open a session. Signing in books nothing, so after any failure here the document was not sent."""
        who = _envelope.Authentication.by_login(login)
        call = _envelope.function(_envelope.unique_id(), _envelope.get_api_session(login.entity_id))
        failure: SageError
        try:
            reply = await self._exchange(login, self._gateway_url, who, [call], unique=False)
            session = opened(reply, login, self._gateway_url, self._endpoint_domain)
        except SageError as error:
            failure = as_read(error)
        else:
            log.info("sage session opened: company=%s user=%s entity=%s", *login.key)
            return session
        log.warning("sage sign-in failed: company=%s user=%s entity=%s: %s", *login.key, failure)
        raise failure

    async def _exchange(
        self,
        login: Login,
        url: str,
        who: _envelope.Authentication,
        functions: Sequence[str],
        *,
        unique: bool,
        before: Callable[[], None] | None = None,
    ) -> Reply:
        """Send one request when the rate limit allows it.

        `before` is called directly before the bytes are sent. If it raises, nothing is sent.
        """
        request_id = _envelope.unique_id()
        body = RequestBody(_envelope.request(self._sender, request_id, who, functions, unique=unique))
        async with self._rate_limiter.turn(login.company_id):
            if before is not None:
                before()
            return await self._transport.exchange(url, request_id, body)


def _ended_within(reply: Reply) -> bool:
    """Whether the result of a function says that the session ended."""
    failures = (result for result in reply.results if result.status != SUCCESS and result.errors)
    return any(isinstance(classify(ExchangeLevel.RESULT, None, result.errors), SignInError) for result in failures)


def _http(gateway_url: str, timeouts: Timeouts, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """Build the HTTP client. It follows no redirects, because they would send our passwords to another address.

    Connections have no limit of their own: each company has few requests at a time, and where all companies shared a
    hundred connections, a hundred that hang would starve the next.

    For a gateway with TLS, a proxy of the environment (HTTPS_PROXY, NO_PROXY) is used: it only tunnels and cannot read
    the requests. Without TLS no proxy is used, because it could read the passwords; nor for a gateway on this machine,
    which a proxy cannot reach.

    Raises:
        ConfigurationError: The proxy of the environment cannot be used.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_ALIVE)
    try:
        return httpx.AsyncClient(
            transport=transport,
            timeout=timeouts.for_httpx(),
            limits=limits,
            headers={
                "Content-Type": "application/xml",
                "Accept": "application/xml, text/xml",
                "Accept-Encoding": "gzip",
                "User-Agent": "alvys-sage-intacct",
            },
            follow_redirects=False,
            trust_env=urlsplit(gateway_url).scheme == "https" and not is_loopback(gateway_url),
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        pass  # the error's text contains the address of the proxy, which may contain a password
    raise ConfigurationError(
        "the proxy of the environment (HTTPS_PROXY, ALL_PROXY) cannot be used: http and https ones can",
        level=ExchangeLevel.LOCAL,
    )
