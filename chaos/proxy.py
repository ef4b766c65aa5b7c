"""A small HTTP proxy before the gateway: every network fault comes from here, so any gateway will do.

The kinds are those of `simulator.faults`, done from outside: half a request is sent on where a gateway would die
midway, a session id is spoiled where it would expire. It also sees what workers do not: which calls were executed
although nobody heard of it, and which repeated control ids the gateway refused.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, cast

import aiohttp
from aiohttp import web
from lxml import etree

from chaos.lag import LaggingBooks
from simulator.answer import CONTENT_TYPE, Answer, Result, SignedIn, render, render_refusal
from simulator.envelope import Function, Login, Request, parse
from simulator.errors import GATEWAY_THROTTLED, GENERIC, ControlError, SageError

KINDS = (
    "latency",  # waits before it is sent on
    "late",  # the same, for longer than the worker waits: executed after the worker gave it up
    "slow_answer",  # executed, then no answer for longer than the worker waits
    "http_error",
    "http_error_after_commit",
    "drop_before_commit",
    "drop_after_commit",
    "drop_midway",  # the first half of the functions is executed, then the connection breaks
    "truncated",
    "timeout_524",
    "throttled",
    "throttled_in_200",
    "offline",
    "silent_failure",
    "expire_session",
)
UNHEARD_CREATE = "unheard_create"
"""`drop_after_commit` of creates alone: other kinds of faults strike sign-ins and reads more often than these."""
BEYOND_LEASE = "beyond_lease"
"""Executed later than Sage may (its execution limit is over, the lease has ended). Not among `KINDS`: against it only
the gateway's memory of control ids helps, so it is what shows that guard alone."""
OF_CREATES = (BEYOND_LEASE, UNHEARD_CREATE)
"""Kinds that strike calls which write, and only if they are named."""
UNHEARD = frozenset(
    {
        "late",
        "slow_answer",
        "http_error_after_commit",
        "drop_after_commit",
        "drop_midway",
        "truncated",
        "timeout_524",
        BEYOND_LEASE,
        UNHEARD_CREATE,
    }
)
"""Executed, and the worker does not learn it."""
CREATES = frozenset(
    {"create", "create_invoice", "update", "update_invoice", "reverse_invoice", "reverse_bill", "delete"}
)
Manner = Literal["slow", "hangs"]
"""How a company's gateway behaves: it answers each request late, or accepts it and answers nothing."""
_ENDPOINT = re.compile(rb"<endpoint>[^<]*</endpoint>")
_SESSION = re.compile(rb"<sessionid>[^<]*</sessionid>")
_HTML_524 = (
    "<!DOCTYPE html><html><head><title>524: A timeout occurred</title></head><body>A timeout occurred</body></html>"
)
_MAX_BODY = 64 * 1024 * 1024
_FORWARD_TIMEOUT = 60.0


@dataclass(slots=True)
class ProxyCounts:
    """What passed, counted."""

    requests: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    """Faults by kind."""
    creates: int = 0
    """Functions that create or correct documents and reached the gateway."""
    unheard: int = 0
    """Documents that were booked by a call whose answer the worker never got."""
    executed: Counter[str] = field(default_factory=Counter)
    """Successful executions by control id."""
    silenced: set[str] = field(default_factory=set)
    """Control ids of create functions that were answered with a failure without a message: a person has to act."""
    refused_again: int = 0
    """Create functions whose control id had been executed, and which the gateway refused."""
    hung: int = 0
    """Requests that got no answer, because their company hung."""
    slowed: int = 0


class Proxy:
    """Listens on a free port, forwards to `target`, and strikes `rate` of the requests while `on`."""

    def __init__(  # noqa: PLR0913 - what is done to calls
        self,
        target: str,
        seed: int | str,
        *,
        rate: float,
        kinds: Sequence[str] = KINDS,
        patience: float,
        lease: float,
        lag: float = 0.0,
    ) -> None:
        self.seen = ProxyCounts()
        self.on = True
        self.manners: dict[str, Manner] = {}
        """The companies that misbehave now."""
        self.books = LaggingBooks()
        self.lag = lag
        """Seconds by which queries lag behind the books."""
        self.held = 0
        """Requests that a fault has in hand: they may be executed yet."""
        self._target = target
        self._chance = Random(f"proxy {seed}")
        self._rate = rate
        self._kinds = tuple(kinds)
        self._patience = patience
        """Seconds that a worker waits for an answer; `_lease` those after which it may believe a look-up."""
        self._lease = lease
        self._companies: dict[str, str] = {}
        """By session id: the company that it was opened for."""
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen; `url` is the gateway's address from here on."""
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_FORWARD_TIMEOUT))
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_post("/{path:.*}", self._post)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/ia/xml/xmlgw.phtml"

    async def stop(self) -> None:
        """Stop listening; what is being held is dropped."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._client is not None:
            await self._client.close()

    async def _post(self, http: web.Request) -> web.StreamResponse:
        body = await http.read()
        self.seen.requests += 1
        try:
            request = parse(body)
        except ControlError:  # the gateway will say why
            return _passed(*await self._forward(body))
        match self.manners.get(self._company(request)):
            case "hangs":
                return await self._hang(http, request, body)
            case "slow":
                self.seen.slowed += 1
                await asyncio.sleep(self._patience * self._chance.uniform(0.2, 0.6))
        kind = self._draw(request)
        if kind is None:
            return _passed(*await self._exchange(request, body, unheard=False))
        self.seen.struck[kind] += 1
        self.held += 1
        try:
            return self._instead(http, request, kind) or await self._around(http, request, body, kind)
        finally:
            self.held -= 1

    async def _hang(self, http: web.Request, request: Request, body: bytes) -> web.StreamResponse:
        """Say nothing until the worker has given up; one request in two was executed all the same."""
        self.seen.hung += 1
        self.held += 1
        try:
            if self._chance.random() < 0.5:  # noqa: PLR2004 - a coin
                await self._exchange(request, body, unheard=True)
            await asyncio.sleep(self._patience * 1.2)
        finally:
            self.held -= 1
        return _dropped(http)

    def _company(self, request: Request) -> str:
        """The company of a request; empty if its session was not opened here."""
        sign_in = request.operations[0].sign_in if request.operations else ""
        return sign_in.company_id if isinstance(sign_in, Login) else self._companies.get(sign_in, "")

    def _draw(self, request: Request) -> str | None:
        if not self.on or self._chance.random() >= self._rate:
            return None
        kind = self._chance.choice(self._kinds)
        only_creates = kind in OF_CREATES
        return None if only_creates and not _creates(request) else kind

    def _instead(  # noqa: PLR0911 - one case a kind
        self, http: web.Request, request: Request, kind: str
    ) -> web.StreamResponse | None:
        """An answer without the gateway; None for the kinds that need it."""
        match kind:
            case "http_error":
                return web.Response(status=self._chance.choice((500, 502, 503, 504)), content_type="text/html")
            case "drop_before_commit":
                return _dropped(http)
            case "throttled":
                response = _xml(render_refusal(SageError(GATEWAY_THROTTLED, "API rate limit exceeded")), 429)
                if self._chance.random() < 0.5:  # noqa: PLR2004 - a coin
                    response.headers["Retry-After"] = "1"
                return response
            case "throttled_in_200":
                return _failed(request, SageError(GENERIC, "API rate limit exceeded"))
            case "offline":
                return _failed(request, SageError(GENERIC, "The Service is Temporarily Off-line"))
            case "silent_failure":
                self.seen.silenced |= {function.control_id for function in _creates(request)}
                return _failed(request, None)
        return None

    async def _around(  # noqa: C901 - one case a kind, before and after
        self, http: web.Request, request: Request, body: bytes, kind: str
    ) -> web.StreamResponse:
        match kind:
            case "latency":
                await asyncio.sleep(self._chance.uniform(0.05, self._patience * 0.6))
            case "late":
                await asyncio.sleep(self._patience * self._chance.uniform(1.1, 1.6))
            case "beyond_lease":
                await asyncio.sleep(self._lease + self._chance.uniform(0.5, 2.0))
            case "expire_session":
                body = _SESSION.sub(b"<sessionid>expired</sessionid>", body)
            case "drop_midway":
                half = _first_half(body)
                if half is None:
                    return _dropped(http)
                body = half
        status, answer = await self._exchange(request, body, unheard=kind in UNHEARD)
        match kind:
            case "slow_answer":
                await asyncio.sleep(self._patience * self._chance.uniform(1.1, 2.0))
            case "http_error_after_commit":
                return web.Response(status=self._chance.choice((500, 502, 503, 504)), content_type="text/html")
            case "drop_after_commit" | "unheard_create" | "drop_midway":
                return _dropped(http)
            case "truncated":
                return _xml(answer[: len(answer) // 2], status)
            case "timeout_524":
                return web.Response(status=524, text=_HTML_524, content_type="text/html")
        return _passed(status, answer)

    async def _exchange(self, request: Request, body: bytes, *, unheard: bool) -> tuple[int, bytes]:
        """What the gateway answers, noted; to a query, as of some seconds ago."""
        asked = time.monotonic()
        status, answer = await self._forward(body)
        company = self._company(request)
        for session in _SESSION.findall(answer):
            self._companies[session.removeprefix(b"<sessionid>").removesuffix(b"</sessionid>").decode()] = company
        if creates := _creates(request):
            self._note(creates, answer, unheard=unheard)
            self.books.note(company, creates, answer, time.monotonic())
        elif self.lag:
            answer = self.books.as_before(company, answer, asked - self.lag)
        return status, answer

    async def _forward(self, body: bytes) -> tuple[int, bytes]:
        client = cast("aiohttp.ClientSession", self._client)
        try:
            async with client.post(self._target, data=body, headers={"Content-Type": "application/xml"}) as reply:
                answer = await reply.read()
                status = reply.status
        except (aiohttp.ClientError, TimeoutError):
            return 502, b""
        # Workers go where the session says: that has to be here.
        return status, _ENDPOINT.sub(b"<endpoint>" + self.url.encode() + b"</endpoint>", answer)

    def _note(self, creates: Sequence[Function], answer: bytes, *, unheard: bool) -> None:
        wanted = {function.control_id for function in creates}
        self.seen.creates += len(wanted)
        for control_id, status in _results(answer):
            if control_id not in wanted:
                continue
            if status == "success":
                self.seen.executed[control_id] += 1
                self.seen.unheard += unheard
            elif control_id in self.seen.executed:
                self.seen.refused_again += 1


def _creates(request: Request) -> list[Function]:
    return [function for function in request.functions if function.name in CREATES]


def _results(answer: bytes) -> list[tuple[str, str]]:
    try:
        root = etree.fromstring(answer)
    except etree.XMLSyntaxError:
        return []
    return [
        (result.findtext("controlid") or "", result.findtext("status") or "") for result in root.iterfind(".//result")
    ]


def _first_half(body: bytes) -> bytes | None:
    """The request with the first half of its functions; None where that is nothing."""
    root = etree.fromstring(body)
    [content] = root.iterfind("operation/content")
    functions = list(content)
    for function in functions[len(functions) // 2 :]:
        content.remove(function)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") if len(content) else None


def _failed(request: Request, error: SageError | None) -> web.Response:
    """Nothing executed and every function failed, with or without an error."""
    errors = (error,) if error else ()
    answers = [
        Answer(
            SignedIn("", ""),
            tuple(Result(each.name, each.control_id, "failure", errors=errors) for each in operation.functions),
        )
        for operation in request.operations
    ]
    return _xml(render(request, answers))


def _passed(status: int, answer: bytes) -> web.Response:
    return _xml(answer, status)


def _xml(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, headers={"Content-Type": CONTENT_TYPE})


def _dropped(http: web.Request) -> web.Response:
    if http.transport is not None:
        http.transport.abort()
    return web.Response()
