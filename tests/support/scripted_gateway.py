"""A gateway that answers as it is told: the transport seam's other side."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from xml.sax.saxutils import escape

import httpx
from lxml import etree
from pydantic import SecretStr

from sage_client import Login, SageClient, Timeouts
from tests.support.sage_calls import NOON
from tests.support.sage_reference import reference
from tests.support.sent_names import unsourced

GATEWAY = "https://api.sage.test/ia/xml/xmlgw.phtml"
ENDPOINT = "https://na12.sage.test/ia/xml/xmlgw.phtml"
SENDER_PASSWORD = "sender-s3cret<&>"
USER_PASSWORD = "user-s3cret<&>"
SESSION_ID = "session-s3cret"


def login(company: str = "ACME", entity: str | None = None, password: str = USER_PASSWORD) -> Login:
    return Login(company, "xml_gateway", SecretStr(password), entity)


def error(number: str, text: str = "", correction: str = "") -> str:
    return (
        f"<error><errorno>{number}</errorno><description></description><description2>{escape(text)}</description2>"
        f"<correction>{escape(correction)}</correction></error>"
    )


def errormessage(*each: str) -> str:
    return f"<errormessage>{''.join(each)}</errormessage>"


def done(control_id: str, key: str = "501") -> str:
    return (
        f"<result><status>success</status><function>create_invoice</function><controlid>{control_id}</controlid>"
        f"<key>{key}</key></result>"
    )


def refused(control_id: str, *each: str, status: str = "failure") -> str:
    message = errormessage(*each) if each else ""
    return (
        f"<result><status>{status}</status><function>create_invoice</function><controlid>{control_id}</controlid>"
        f"{message}</result>"
    )


@dataclass
class Asked:
    """One request, as the gateway read it."""

    url: str
    body: bytes
    headers: httpx.Headers
    root: etree._Element = field(init=False)

    def __post_init__(self) -> None:
        self.root = etree.fromstring(self.body)

    @property
    def request_id(self) -> str:
        return self.root.findtext("control/controlid") or ""

    @property
    def signs_in(self) -> bool:
        return self.root.find("operation/content/function/getAPISession") is not None

    @property
    def objects_described(self) -> list[str]:
        """The objects of its `lookup` functions."""
        return [each.text or "" for each in self.root.iterfind("operation/content/function/lookup/object")]

    @property
    def control_ids(self) -> list[str]:
        return [str(each.get("controlid")) for each in self.root.iterfind("operation/content/function")]

    @property
    def location(self) -> str:
        return self.root.findtext("operation/authentication/login/locationid") or ""

    def control(self, status: str = "success") -> str:
        return (
            f"<control><status>{status}</status><senderid>acme</senderid><controlid>{self.request_id}</controlid>"
            "<uniqueid>true</uniqueid><dtdversion>3.0</dtdversion></control>"
        )

    def answer(self, results: str, *, auth: str = "success", timeout: datetime | None = None) -> str:
        stamp = f"<sessiontimeout>{timeout.isoformat()}</sessiontimeout>" if timeout else ""
        return (
            f"<response>{self.control()}<operation><authentication><status>{auth}</status><userid>x</userid>{stamp}"
            f"</authentication>{results}</operation></response>"
        )

    def signed_in(self, session_id: str, endpoint: str, timeout: datetime | None) -> str:
        return self.answer(
            f"<result><status>success</status><function>getAPISession</function><controlid>{self.control_ids[0]}"
            f"</controlid><data><api><sessionid>{session_id}</sessionid><endpoint>{endpoint}</endpoint>"
            f"<locationid>{self.location}</locationid></api></data></result>",
            timeout=timeout,
        )


Reply = httpx.Response | str | Exception
Script = Callable[[Asked], Reply]


def all_done(asked: Asked) -> str:
    return asked.answer("".join(done(control_id, str(500 + n)) for n, control_id in enumerate(asked.control_ids)))


def described(control_id: str, name: str, fields: Iterable[str]) -> str:
    """The answer of `lookup`."""
    listed = "".join(f"<Field><ID>{each}</ID><DATATYPE>TEXT</DATATYPE></Field>" for each in fields)
    return (
        f"<result><status>success</status><function>lookup</function><controlid>{control_id}</controlid>"
        f'<data listtype="All" count="1"><Type Name="{name}"><Fields>{listed}</Fields></Type></data></result>'
    )


def everything(asked: Asked) -> str:
    """The answers of a company that has all that public sources list."""
    objects = reference().objects
    return asked.answer(
        "".join(
            described(control_id, name, objects[name].fields if name in objects else ())
            for control_id, name in zip(asked.control_ids, asked.objects_described, strict=True)
        )
    )


@dataclass
class ScriptedGateway:
    """Signs everyone in, unless `sign_in` says otherwise, lists every field, and answers all else by `script`.

    Names that are sent and stand in no source are an error of the test.
    """

    script: Script = all_done
    sign_in: Script | None = None
    describe: Script = everything
    endpoint: str = ENDPOINT
    now: datetime = NOON
    lifetime: timedelta | None = timedelta(hours=2)
    asked: list[Asked] = field(default_factory=list)
    strict: bool = True
    """Off where a test's own names stand for any."""

    @property
    def sign_ins(self) -> list[Asked]:
        return [each for each in self.asked if each.signs_in]

    @property
    def lookups(self) -> list[Asked]:
        return [each for each in self.asked if each.objects_described]

    @property
    def requests(self) -> list[Asked]:
        return [each for each in self.asked if not each.signs_in and not each.objects_described]

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = Asked(str(request.url), request.content, request.headers)
        self.asked.append(asked)
        assert not self.strict or not (names := unsourced(asked.root)), names
        await asyncio.sleep(0.001)  # as on a wire, others get their turn
        script = self.script
        if asked.signs_in:
            script = self.sign_in or self._open
        elif asked.objects_described:
            script = self.describe
        reply = script(asked)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, str):
            return httpx.Response(200, text=reply, headers={"Content-Type": 'text/xml; encoding="UTF-8"'})
        return reply

    def _open(self, asked: Asked) -> str:
        ends = self.now + self.lifetime if self.lifetime else None
        return asked.signed_in(f"{SESSION_ID}-{len(self.sign_ins)}", self.endpoint, ends)

    def client(self, *, url: str = GATEWAY, timeouts: Timeouts | None = None) -> SageClient:
        return SageClient(
            url,
            "acme-sender",
            SecretStr(SENDER_PASSWORD),
            transport=httpx.MockTransport(self),
            clock=lambda: self.now,
            timeouts=timeouts,
        )

    def answering(self, script: Script) -> Self:
        self.script = script
        return self
