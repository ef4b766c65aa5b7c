"""The smallest client that can talk to the gateway: requests as text, answers as lxml elements."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp
from lxml import etree

DATE = "<year>2026</year><month>03</month><day>09</day>"
LINE = (
    "<lineitem><glaccountno>40010</glaccountno><amount>2450.00</amount><memo>Linehaul</memo>"
    "<locationid>100</locationid></lineitem>"
)


class ManualClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class GatewayClient:
    """Posts functions as one company's user; every function gets a control id of its own unless it names one."""

    http: aiohttp.ClientSession
    url: str
    company: str = "BLUEMESA"
    user: str = "alvys_ws"
    password: str = "user-secret"
    entity: str = "100"
    sender: str = "AlvysMPP"
    sender_password: str = "sender-secret"
    session: str = ""
    unique: str = "<uniqueid>true</uniqueid>"
    extra_control: str = ""
    transaction: str = "false"
    ids: Any = field(default_factory=count)

    def envelope(self, *functions: str) -> str:
        login = (
            f"<sessionid>{self.session}</sessionid>"
            if self.session
            else f"<login><userid>{self.user}</userid><companyid>{self.company}</companyid>"
            f"<password>{self.password}</password><locationid>{self.entity}</locationid></login>"
        )
        wrapped = "".join(
            body if body.startswith("<function") else f'<function controlid="auto-{next(self.ids)}">{body}</function>'
            for body in functions
        )
        return (
            f"<request><control><senderid>{self.sender}</senderid><password>{self.sender_password}</password>"
            f"<controlid>test</controlid>{self.unique}<dtdversion>3.0</dtdversion>"
            f"<includewhitespace>false</includewhitespace>{self.extra_control}</control>"
            f'<operation transaction="{self.transaction}"><authentication>{login}</authentication>'
            f"<content>{wrapped}</content></operation></request>"
        )

    async def raw(self, body: str) -> tuple[int, bytes]:
        async with self.http.post(self.url, data=body.encode()) as response:
            return response.status, await response.read()

    async def send(self, *functions: str) -> Any:
        status, body = await self.raw(self.envelope(*functions))
        assert status == 200, body
        return etree.fromstring(body)

    async def ok(self, *functions: str) -> Any:
        root = await self.send(*functions)
        assert statuses(root) == ["success"] * len(functions), etree.tostring(root).decode()
        return root


def statuses(root: Any) -> list[str]:
    return [status.text for status in root.iterfind("operation/result/status")]


def errors(root: Any) -> list[str]:
    return [number.text for number in root.iterfind(".//errormessage/error/errorno")]


def texts(root: Any) -> str:
    return " | ".join(text.text for text in root.iterfind(".//errormessage/error/description2"))


def invoice(
    number: str = "INV-1", lines: str = LINE, *, party: str = "CUST-10021", control_id: str = "", **parts: str
) -> str:
    due = parts.get("due", "<termname>Net 30</termname>")
    numbered = f"<invoiceno>{number}</invoiceno>" if number else ""
    body = (
        f"<create_invoice><customerid>{party}</customerid>"
        f"<datecreated>{parts.get('created', DATE)}</datecreated>{due}"
        f"{parts.get('action', '')}{numbered}{parts.get('after_number', '')}"
        f"<invoiceitems>{lines}</invoiceitems></create_invoice>"
    )
    return f'<function controlid="{control_id}">{body}</function>' if control_id else body


def bill(
    number: str = "BILL-1", *, party: str = "VEN-20417", header: str = "", line: str = "", amount: str = "1800.00"
) -> str:
    return (
        f"<create><APBILL><VENDORID>{party}</VENDORID><WHENCREATED>03/09/2026</WHENCREATED>"
        f"<WHENDUE>04/08/2026</WHENDUE><RECORDID>{number}</RECORDID>{header}<APBILLITEMS><APBILLITEM>"
        f"<ACCOUNTNO>50010</ACCOUNTNO><TRX_AMOUNT>{amount}</TRX_AMOUNT><LOCATIONID>100</LOCATIONID>{line}"
        "</APBILLITEM></APBILLITEMS></APBILL></create>"
    )


def query(object_name: str, fields: str, filter_: str = "", rest: str = "") -> str:
    select = "".join(f"<field>{name}</field>" for name in fields.split())
    return (
        f"<query><object>{object_name}</object><select>{select}</select>"
        f"{f'<filter>{filter_}</filter>' if filter_ else ''}{rest}</query>"
    )


def rows(root: Any, tag: str, name: str) -> list[str]:
    return [element.findtext(name) or "" for element in root.iterfind(f".//data/{tag}")]
