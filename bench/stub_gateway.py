"""A gateway that only answers: success for every function, after a wait, whatever the request holds. A process.

It keeps nothing and checks nothing, so that what is measured is the client and the wire, not a ledger. Whoever is asked
for as a customer or vendor exists; no document does. A `POST` to `/control` sets how long companies take and which of
them refuse every sign-in; a `GET` tells how often each function of each company was called.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from aiohttp import web

PATH = "/ia/xml/xmlgw.phtml"
CONTROL = "/control"
_FUNCTION = re.compile(rb'<function controlid="([^"]+)"><(\w+)')
_CONTROL = re.compile(rb"<controlid>([^<]*)</controlid>")
_QUERY = re.compile(rb"<query><object>(\w+)</object>")
_VALUE = re.compile(rb"<value>([^<]*)</value>")
_PARTY = b"<CUSTOMERID>%(id)s</CUSTOMERID><VENDORID>%(id)s</VENDORID><NAME>%(id)s</NAME><STATUS>active</STATUS>"
_PARTIES = {b"CUSTOMER", b"VENDOR"}
_TERMS = [b"<NAME>Net %d</NAME><DUEDATE>%d</DUEDATE><STATUS>active</STATUS>" % (n, n) for n in (7, 15, 30, 45)]
_SESSION = b"<data><api><sessionid>%s</sessionid></api></data>"
_COMPANY = re.compile(rb"<companyid>([^<]*)</companyid>")
_SESSION_ID = re.compile(rb"<sessionid>([^<]*)</sessionid>")
_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?><response><control><status>success</status><senderid>s</senderid>'
    b"<controlid>%s</controlid><uniqueid>true</uniqueid><dtdversion>3.0</dtdversion></control><operation>"
    b"<authentication><status>%s</status><userid>u</userid><companyid>c</companyid></authentication>"
)
_RESULT = b"<result><status>success</status><function>%s</function><controlid>%s</controlid>%s</result>"
_NO_ENTRY = (
    b"<errormessage><error><errorno>XL03000006</errorno><description></description>"
    b"<description2>Sign-in information is incorrect</description2><correction></correction></error></errormessage>"
)
_TAIL = b"</operation></response>"
_LARGEST = 64 * 1024 * 1024


def answer(body: bytes, numbers: "count[int]") -> bytes:
    """The answer to a request: one result per function, under the function's own control id."""
    results = [
        _RESULT % (name, control_id, _inside(name, body, numbers)) for control_id, name in _FUNCTION.findall(body)
    ]
    return b"".join((_HEAD % (_control_of(body), b"success"), *results, _TAIL))


def _refused(body: bytes) -> bytes:
    """The answer to a request whose sign-in is refused."""
    return b"".join((_HEAD % (_control_of(body), b"failure"), _NO_ENTRY, _TAIL))


def _control_of(body: bytes) -> bytes:
    found = _CONTROL.search(body)
    return found[1] if found else b""


def _inside(name: bytes, body: bytes, numbers: "count[int]") -> bytes:
    """A session, the parties and terms that are asked for, or a record number."""
    if name == b"getAPISession":
        return _SESSION % company_of(body)
    found = _QUERY.search(body) if name == b"query" else None
    if found is None:
        return b"<key>%d</key>" % next(numbers)
    rows = []
    if found[1].endswith(b"TERM"):
        rows = _TERMS
    elif found[1] in _PARTIES:
        rows = [_PARTY % {b"id": one} for one in _VALUE.findall(body)]
    named = [b"<%s><RECORDNO>%d</RECORDNO>%s</%s>" % (found[1], n, row, found[1]) for n, row in enumerate(rows, 1)]
    return b'<data listtype="%s" numremaining="0">%s</data>' % (found[1], b"".join(named))


def company_of(body: bytes) -> bytes:
    """The company that signs in, or whose session it is: sessions are named after their company."""
    found = _COMPANY.search(body) or _SESSION_ID.search(body)
    return found[1] if found else b""


@dataclass(slots=True)
class StubCompanies:
    """How the companies behave, and what was asked of them."""

    latency: float
    """Seconds before each answer."""
    per_function: float
    """Seconds more for each function of the request."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds before each answer of the companies that are named here."""
    refused: frozenset[str] = frozenset()
    """Companies that refuse every sign-in."""
    asked: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How often each function was called, by company; and under `requests`, how many requests there were."""
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    """Record numbers."""

    async def post(self, request: web.Request) -> web.Response:
        """Answer a request to the gateway."""
        body = await request.read()
        company = company_of(body).decode()
        names = [name.decode() for _, name in _FUNCTION.findall(body)]
        self.asked[company].update((*names, "requests"))
        wait = self.latency + self.per_function * len(names)
        await asyncio.sleep(self.seconds.get(company, wait))
        said = _refused(body) if company in self.refused else answer(body, self.numbers)
        return web.Response(body=said, content_type="text/xml")

    async def tell(self, _request: web.Request) -> web.Response:
        """Say what was asked of each company."""
        return web.json_response(self.asked)

    async def set(self, request: web.Request) -> web.Response:
        """Take new behaviour: `seconds` by company, and the list of those `refused`."""
        told = await request.json()
        self.seconds, self.refused = told.get("seconds", {}), frozenset(told.get("refused", ()))
        return web.json_response({})


def application(latency: float, per_function: float, seconds: Mapping[str, float]) -> web.Application:
    """The gateway's address, and its control.

    Args:
        latency: Seconds before each answer.
        per_function: Seconds more for each function of the request.
        seconds: Seconds before each answer of companies that take another time.
    """
    companies = StubCompanies(latency, per_function, dict(seconds))
    served = web.Application(client_max_size=_LARGEST)
    served.router.add_post(PATH, companies.post)
    served.router.add_get(CONTROL, companies.tell)
    served.router.add_post(CONTROL, companies.set)
    return served


async def serve(served: web.Application) -> None:
    """Serve on a free port until the process is ended."""
    runner = web.AppRunner(served, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"listening on http://127.0.0.1:{runner.addresses[0][1]}{PATH}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    """Serve; SIGTERM ends it."""
    parser = argparse.ArgumentParser(prog="python -m bench.stub_gateway", description=__doc__)
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--function-ms", type=int, default=0)
    parser.add_argument("--slow-company", default="")
    parser.add_argument("--slow-ms", type=int, default=0)
    asked = parser.parse_args()
    slow = {asked.slow_company: asked.slow_ms / 1000} if asked.slow_company else {}
    asyncio.run(serve(application(asked.latency_ms / 1000, asked.function_ms / 1000, slow)))


if __name__ == "__main__":
    main()
