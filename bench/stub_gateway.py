"""A gateway that only answers: success for every function, after a wait, whatever the request holds. A process.

It keeps nothing and checks nothing, so that what is measured is the client and the wire, not a ledger.
"""

import argparse
import asyncio
import re
import sys
from itertools import count

from aiohttp import web

PATH = "/ia/xml/xmlgw.phtml"
_FUNCTION = re.compile(rb'<function controlid="([^"]+)"><(\w+)')
_CONTROL = re.compile(rb"<controlid>([^<]*)</controlid>")
_QUERY = re.compile(rb"<query><object>(\w+)</object>")
_VALUE = re.compile(rb"<value>([^<]*)</value>")
_PARTY = b"<CUSTOMERID>%(id)s</CUSTOMERID><VENDORID>%(id)s</VENDORID><NAME>%(id)s</NAME><STATUS>active</STATUS>"
_TERMS = [b"<NAME>Net %d</NAME><DUEDATE>%d</DUEDATE><STATUS>active</STATUS>" % (n, n) for n in (7, 15, 30, 45)]
_SESSION = b"<data><api><sessionid>%s</sessionid></api></data>"
_COMPANY = re.compile(rb"<companyid>([^<]*)</companyid>")
_SESSION_ID = re.compile(rb"<sessionid>([^<]*)</sessionid>")
_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?><response><control><status>success</status><senderid>s</senderid>'
    b"<controlid>%s</controlid><uniqueid>true</uniqueid><dtdversion>3.0</dtdversion></control><operation>"
    b"<authentication><status>success</status><userid>u</userid><companyid>c</companyid></authentication>"
)
_RESULT = b"<result><status>success</status><function>%s</function><controlid>%s</controlid>%s</result>"
_TAIL = b"</operation></response>"
_LARGEST = 64 * 1024 * 1024


def answer(body: bytes, numbers: "count[int]") -> bytes:
    """The answer to a request: one result per function, under the function's own control id."""
    control = _CONTROL.search(body)
    results = [
        _RESULT % (name, control_id, _inside(name, body, numbers)) for control_id, name in _FUNCTION.findall(body)
    ]
    return b"".join((_HEAD % (control[1] if control else b""), *results, _TAIL))


def _inside(name: bytes, body: bytes, numbers: "count[int]") -> bytes:
    """A session, the parties and terms that are asked for, or a record number."""
    if name == b"getAPISession":
        return _SESSION % company_of(body)
    found = _QUERY.search(body) if name == b"query" else None
    if found is None:
        return b"<key>%d</key>" % next(numbers)
    rows = _TERMS if found[1].endswith(b"TERM") else [_PARTY % {b"id": one} for one in _VALUE.findall(body)]
    named = [b"<%s><RECORDNO>%d</RECORDNO>%s</%s>" % (found[1], n, row, found[1]) for n, row in enumerate(rows, 1)]
    return b'<data listtype="%s" numremaining="0">%s</data>' % (found[1], b"".join(named))


def company_of(body: bytes) -> bytes:
    """The company that signs in, or whose session it is: sessions are named after their company."""
    found = _COMPANY.search(body) or _SESSION_ID.search(body)
    return found[1] if found else b""


def application(latency: float, per_function: float, slow: bytes, slow_latency: float) -> web.Application:
    """The gateway's one address.

    Args:
        latency: Seconds before each answer.
        per_function: Seconds more for each function of the request.
        slow: A company whose answers take longer. Empty: none.
        slow_latency: Seconds before each of its answers.
    """
    numbers = count(1)

    async def post(request: web.Request) -> web.Response:
        body = await request.read()
        wait = latency + per_function * len(_FUNCTION.findall(body))
        await asyncio.sleep(slow_latency if slow and company_of(body) == slow else wait)
        return web.Response(body=answer(body, numbers), content_type="text/xml")

    served = web.Application(client_max_size=_LARGEST)
    served.router.add_post(PATH, post)
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
    slow = asked.slow_company.encode()
    asyncio.run(serve(application(asked.latency_ms / 1000, asked.function_ms / 1000, slow, asked.slow_ms / 1000)))


if __name__ == "__main__":
    main()
