"""The HTTP server: the gateway's address, the faults that strike requests, start and stop of the simulator.

With a fault before the commit, nothing is executed. With a fault after the commit, the effects stay and only the answer
is lost. Latency delays a request without blocking others.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiohttp import web

from simulator import admin
from simulator.answer import CONTENT_TYPE, render_refusal
from simulator.auth import end_sessions
from simulator.errors import GATEWAY_THROTTLED, GENERIC, ControlError, SageError
from simulator.faults import Fault, Faults
from simulator.gateway import Admitted, Gateway
from simulator.seed import Company, Preset, Seed, Sender, demo_seed
from simulator.store import Clock, Store, UnknownCompanyError
from simulator.traffic import BusyError, Traffic

PATH = "/ia/xml/xmlgw.phtml"
_MAX_BODY = 64 * 1024 * 1024
_SAID = {
    "offline": ("The Service is Temporarily Off-line", "Please Try Again Later"),
    "throttled_in_200": ("API rate limit exceeded", "Please Try Again Later"),
    "too_many_operations": ("There are too many operations running for this company (200024).", ""),
    "session_ended": ("Session has expired", ""),
    "deadlock": ("A deadlock occurred. Please try again.", ""),
}
"""By fault, the text and the correction with which every function of a request is refused."""
_BEFORE = {"http_error", "drop_before_commit", "throttled", "silent_failure", *_SAID}
_HTML_524 = (
    "<!DOCTYPE html><html><head><meta charset=utf-8><title>524: A timeout occurred</title></head><body>"
    '<div id="cf-error-details">'
    "<h1>A timeout occurred <span>Error code 524</span></h1></div></body></html>"
)


class Simulator:
    """A running gateway: `async with Simulator(demo=True) as sim: ... sim.url, sim.store, sim.faults, sim.traffic`.

    Args:
        database: A path, or `:memory:`.
        seed: Senders and companies to load.
        companies: Further companies to load.
        senders: Further senders to load.
        demo: Whether to load the built-in companies.
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        latency: Seconds to wait before every request.
        clock: The source of time for sessions, time stamps and payments.
        fault_seed: Makes the probabilities of faults repeatable.
        preset: Applied to every company present at the start, like `"preset"` in a company's `config`.
    """

    def __init__(  # noqa: PLR0913 -- every setting of a server has a default
        self,
        database: str = ":memory:",
        *,
        seed: Seed | None = None,
        companies: Sequence[Company] = (),
        senders: Sequence[Sender] = (),
        demo: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        clock: Clock | None = None,
        fault_seed: int = 1,
        preset: Preset | None = None,
    ) -> None:
        self.store = Store(database, clock)
        self.faults = Faults(fault_seed)
        self.traffic = Traffic()
        self.latency = latency
        self._gateway = Gateway(self.store)
        self._address = (host, port)
        self._runner: web.AppRunner | None = None
        for given in (demo_seed() if demo else None, seed, Seed(senders=tuple(senders), companies=tuple(companies))):
            if given is not None:
                self.store.load(given)
        for company in self.store.companies() if preset else ():
            self.store.configure(company, preset=preset)

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self._gateway.endpoint

    @property
    def base_url(self) -> str:
        """The base address of the admin endpoints."""
        return self.url.removesuffix(PATH)

    async def start(self) -> None:
        """Start listening; OSError if the port is taken."""
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_post(PATH, self._post)
        admin.add_routes(application, self.store, self.faults, self.traffic)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        host, port = self._address
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._gateway.endpoint = f"http://{host}:{self._runner.addresses[0][1]}{PATH}"

    async def stop(self) -> None:
        """Stop listening and close the database."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
        self.store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _post(self, http: web.Request) -> web.StreamResponse:
        body = await http.read()
        try:
            admitted = self._gateway.admit(body)
        except ControlError as refusal:
            return _xml(render_refusal(refusal.error), refusal.status)
        admitted.endpoint = f"{http.scheme}://{http.host}{PATH}"
        try:
            config = self.store.setup(admitted.company).config
        except UnknownCompanyError:
            config = None
        try:
            async with self.traffic.passing(admitted.company, admitted.names, config):
                with self._gateway.holding(admitted):
                    return await self._serve(http, admitted)
        except BusyError:
            return _throttled(None)

    async def _serve(self, http: web.Request, admitted: Admitted) -> web.StreamResponse:
        if self.latency:
            await asyncio.sleep(self.latency)
        fault = self.faults.strike(admitted.company, admitted.names)
        if fault is None:
            return _xml(self._gateway.execute(admitted))
        if fault.kind in _BEFORE:
            return self._instead(http, admitted, fault)
        if fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "expire_session":
            end_sessions(self.store, admitted.company)
        half = len(admitted.names) // 2 if fault.kind == "drop_midway" else None
        answer = self._gateway.execute(admitted, only_first=half)
        if fault.kind == "shift_pages":
            self.store.payments.shift(admitted.company)
        if fault.kind == "slow_answer":
            await asyncio.sleep(fault.seconds)
        return _spoiled(http, answer, fault)

    def _instead(self, http: web.Request, admitted: Admitted, fault: Fault) -> web.StreamResponse:
        """Make the answer of a fault that strikes before anything is executed."""
        if fault.kind == "drop_before_commit":
            return _dropped(http)
        if fault.kind == "http_error":
            return web.Response(status=fault.status, text="", content_type="text/html")
        if fault.kind == "throttled":
            return _throttled(fault.retry_after)
        if fault.kind == "silent_failure":
            return _xml(self._gateway.fail(admitted, None))
        said, correction = _SAID[fault.kind]
        return _xml(self._gateway.fail(admitted, SageError(GENERIC, said, correction=correction)))


def _spoiled(http: web.Request, answer: bytes, fault: Fault) -> web.StreamResponse:
    """Apply a fault to an answer after the commit."""
    if fault.kind in {"drop_after_commit", "drop_midway"}:
        return _dropped(http)
    if fault.kind == "truncated":
        return _xml(answer[: len(answer) // 2])
    if fault.kind == "timeout_524":
        return web.Response(status=524, text=_HTML_524, content_type="text/html")
    if fault.kind == "http_error_after_commit":
        return web.Response(status=fault.status, text="", content_type="text/html")
    return _xml(answer)


def _xml(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, headers={"Content-Type": CONTENT_TYPE})


def _throttled(retry_after: int | None) -> web.Response:
    response = _xml(render_refusal(SageError(GATEWAY_THROTTLED, "API rate limit exceeded")), 429)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _dropped(http: web.Request) -> web.Response:
    if http.transport is not None:
        http.transport.abort()
    return web.Response()
