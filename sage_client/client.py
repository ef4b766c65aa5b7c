"""The client: sign in, post documents, look them up, read. Everything that can go wrong is in `errors`.

Guarantees:

1. `post` never raises for what Sage or the network does; each call gets exactly one answer.
2. `Done` means that Sage said so and named the record. `Refused` means that nothing was booked by this call. All else
   is `Unknown`.
3. Nothing is retried, but for one case that is proven safe: Sage refused the session, or says that it ended, and after
   one new sign-in what was refused goes out again under its control ids.
4. A cancelled call raises `CancelledError` at once. Bytes may have left by then: the caller treats it as unknown.
5. Reads are complete or raise.
6. No secret is in any repr, error, traceback context or log line.
7. All requests to one company share one limit (`turns`): sign-ins, postings, look-ups, lists and probes.
8. A query selects fields that the company has, as far as Sage tells (`_fields`). What it cannot do without is an error.
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
from domain.custom_fields import FieldObject
from domain.documents import PartyKind, SageObject
from domain.parties import PartyRecord
from sage_client import _envelope, books, discovery, parties
from sage_client._classify import as_read, classify
from sage_client._endpoint import is_loopback
from sage_client._fields import Fields, lookup
from sage_client._kinds import Level
from sage_client._reading import Reads, Send, read_one
from sage_client._reply import SUCCESS, Reply, Row
from sage_client._rules import session_is_over
from sage_client._session import Session, Sessions, opened
from sage_client._transport import RequestBody, Transport
from sage_client.answers import Answer, Call, failed, in_resend, match, session_ended
from sage_client.books import Account, Entity, Term
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
from sage_client.lookups import DocumentKey, Found, found
from sage_client.parties import NAMES_ONLY, Change, PartyFields
from sage_client.query import Changes, Query
from sage_client.standing import Standing, line_queries, lines, standing, standing_queries
from sage_client.timeouts import Timeouts
from sage_client.turns import Pace, Turns

log = getLogger("sage_client")

GATEWAY_URL = "https://api.intacct.com/ia/xml/xmlgw.phtml"
"""Where every session starts (Sage developer documentation, web-services)."""

KEEP_ALIVE = 5.0
"""Seconds that an idle connection is kept. Short, so that it is closed here before it is closed there: a request that
meets a connection which the other side is closing has an unknown outcome."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SageClient:
    """The XML gateway, for any number of companies. An async context manager.

    Args:
        gateway_url: Where sessions start; any http(s) address. Logins are sent there and nowhere else.
        endpoint_domain: The domain in which an answer may name a session's endpoint; None: the gateway's own, as
            `_endpoint` draws it.
        sender_id: Our Web Services sender.
        sender_password: Its password.
        timeouts: See `Timeouts`.
        transport: What carries the requests; tests plug in `httpx.MockTransport`.
        clock: The present, with a time zone.
        max_connections: Over all companies. A request that finds none free within `Timeouts.pool` is not sent.
        pace: How fast one company may be asked; all its requests together.
        marker_field: Integration name of the custom field that holds our marker; None: it stands in the description.
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
        max_connections: int = 100,
        pace: Pace = Pace(),  # noqa: B008 - frozen
        marker_field: str | None = None,
        endpoint_domain: str | None = None,
    ) -> None:
        self._gateway_url = gateway_url
        self._endpoint_domain = endpoint_domain
        self._sender = _envelope.Sender(sender_id, sender_password)
        self._marker_field = marker_field
        self._turns = Turns(pace)
        timeouts = timeouts or Timeouts()
        self._http = _http(gateway_url, timeouts, transport, max_connections)
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
        """Create or correct documents: one request, one function per call, each independent, each under its control id.

        Args:
            login: Whose session.
            calls: What to create or correct.
            not_after: The request does not begin later, whatever signing in or its turn took; its calls are then
                refused with `TooLateError`, since nothing was sent.
            wanted: Asked right before the bytes leave; where it says no, likewise.
            resent: Control ids that may have been sent before. A refusal of one that names its control id proves
                nothing: the earlier send may be running.

        Returns:
            One answer per call, in the calls' order.

        Raises:
            ValueError: Two calls share a control id; their answers could not be told apart.
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
        """Look documents up; for each key everything in Sage under that number and party, oldest first.

        Raises:
            SageError: The look-up failed; nothing follows from it, least of all that a document is absent.
        """
        rows = await self._read(login, [key.query(self._marker_field) for key in keys])
        return [[found(key, row, self._marker_field) for row in own] for key, own in zip(keys, rows, strict=True)]

    async def standing(
        self, login: Login, kind: SageObject, record_nos: Sequence[str], *, lines_too: bool = False
    ) -> dict[str, Standing]:
        """Documents of one kind by their record numbers; those that Sage does not show are left out.

        Args:
            login: Of the place they were posted to.
            kind: Their object.
            record_nos: Sage's record numbers.
            lines_too: Whether drafts are to have their `lines`.

        Raises:
            SageError: The look-up failed; nothing follows from it, least of all that a document is absent.
        """
        pages = await self._read(login, standing_queries(kind, list(dict.fromkeys(record_nos))))
        there = {each.record_no: each for rows in pages for each in (standing(kind, row) for row in rows)}
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
        """All customers or vendors, active or not; or those of the ids, in one request.

        Raises:
            SageError: The list could not be read to its end.
        """
        pages = await self._read(login, parties.queries(kind, fields, ids))
        return [parties.party(kind, fields, row) for rows in pages for row in rows]

    async def change(self, login: Login, changes: Sequence[Change], *, unique: bool) -> list[Answer]:
        """Make or change records that are no documents: one request, one function each, as `post` else.

        Args:
            login: Whose session.
            changes: What to do, each under a control id of its own.
            unique: Whether Sage is to refuse a control id that it has executed.
        """
        functions = {change.control_id: _envelope.function(change.control_id, change.xml) for change in changes}
        answers = await self._written(login, functions, {}, (), unique=unique)
        return [answers[change.control_id] for change in changes]

    async def accounts(self, login: Login) -> list[Account]:
        """All GL accounts that can be posted to, active or not; SageError as `parties`."""
        return [books.account(row) for row in await self.query(login, books.accounts_query())]

    async def entities(self, login: Login) -> list[Entity]:
        """All entities, active or not; none where the company has one only. SageError as `parties`."""
        return [books.entity(row) for row in await self.query(login, books.entities_query())]

    async def terms(self, login: Login, side: Side) -> list[Term]:
        """All payment terms of a side, active or not; SageError as `parties`."""
        return [books.term(row) for row in await self.query(login, books.terms_query(side))]

    async def dimensions(self, login: Login) -> list[Dimension]:
        """The company's dimensions, those that cannot be mapped too (`Dimension.withheld`); SageError as `parties`."""
        [result] = await read_one(self._send(login), [discovery.GET_DIMENSIONS])
        return discovery.dimensions(result.data)

    async def dimension_values(self, login: Login, dimension: Dimension) -> list[DimensionValue]:
        """All values of a dimension, usable or not.

        Raises:
            DimensionUnreadableError: A user-defined dimension that the user may not read: a Platform Apps one.
            SageError: As `parties`.
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
        """The custom fields of the objects, those that are not supported too; SageError as `parties`."""
        results = await read_one(self._send(login), [lookup(each.object) for each in objects])
        return [
            field
            for each, result in zip(objects, results, strict=True)
            for field in discovery.custom_fields(each, result.data)
        ]

    async def probe(self, login: Login) -> None:
        """Does Sage take this user's calls? One call in its session that reads and books nothing.

        Raises:
            SageError: It does not.
        """
        call = _envelope.function(_envelope.unique_id(), _envelope.get_api_session(login.entity_id))
        try:
            opened(await self._asked(login, [call]), login, self._gateway_url, self._endpoint_domain)
        except SageError as error:
            failure = as_read(error)
        else:
            return
        raise failure

    async def query(self, login: Login, query: Query) -> list[Row]:
        """All rows of a query, over as many pages as it takes.

        Raises:
            SageError: The rows could not be read to their end.
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
    ) -> tuple[list[Row], bool]:
        """One page of a query, whose key is greater than `after`. True: it is the last.

        One request, but for the few that ask which fields the company has (`sage_client._fields`).

        Args:
            login: Whose session.
            query: What to read.
            after: The last key that was read; None: from the beginning.
            allow: Called before each request; whatever it raises keeps the request back.

        Raises:
            SageError: The page could not be read.
        """
        return await self._reads(login, allow).page(query, after)

    async def _read(self, login: Login, queries: Sequence[Query]) -> list[list[Row]]:
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
        """The answer to functions that only read. Where a result says that the session ended, all go once more."""
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
        """Each function's answer, by control id. Those whose session ended meanwhile go once more, in a new one."""
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
        """Send functions in the login's session; once more in a new one where Sage refuses the session.

        Said in place of results, the end of a session leaves open what ran: Sage refuses what did by its control id.
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
        """Open a session. It books nothing, so whatever fails here, the document was not sent."""
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
        """One request, in its turn. `before` is called right before the bytes leave and raises if they may not."""
        request_id = _envelope.unique_id()
        body = RequestBody(_envelope.request(self._sender, request_id, who, functions, unique=unique))
        async with self._turns.turn(login.company_id):
            if before is not None:
                before()
            return await self._transport.exchange(url, request_id, body)


def _ended_within(reply: Reply) -> bool:
    """Whether a function's result says that the session ended."""
    failures = (result for result in reply.results if result.status != SUCCESS and result.errors)
    return any(isinstance(classify(Level.RESULT, None, result.errors), SignInError) for result in failures)


def _http(
    gateway_url: str, timeouts: Timeouts, transport: httpx.AsyncBaseTransport | None, max_connections: int
) -> httpx.AsyncClient:
    """What carries the requests. It follows no redirect: our passwords would go with it.

    A proxy of the environment (HTTPS_PROXY, NO_PROXY) is used for a gateway with TLS: it tunnels, and sees nothing.
    Without TLS none is, since it would read the passwords; nor for this machine, which a proxy cannot reach.
    """
    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=max_connections, keepalive_expiry=KEEP_ALIVE
    )
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
        pass  # its words hold the proxy's address, which may hold a password
    raise ConfigurationError(
        "the proxy of the environment (HTTPS_PROXY, ALL_PROXY) cannot be used: http and https ones can",
        level=Level.LOCAL,
    )
