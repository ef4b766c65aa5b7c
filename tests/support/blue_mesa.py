"""The simulator's demo company Blue Mesa: its user, a customer and a vendor of it, and documents that it takes."""

from typing import Any

from pydantic import SecretStr

from domain.categories import Side
from domain.documents import Document, SageObject
from sage_client import Call, DocumentKey, Login, SageClient
from simulator import Simulator
from tests.support.sage_calls import document

WHO = Login("BLUEMESA", "alvys_ws", SecretStr("user-secret"), "100")
CUSTOMER, VENDOR = "CUST-10021", "VEN-20417"
ACCOUNTS = {Side.AR: "40010", Side.AP: "50010"}


def connected(simulator: Simulator, **more: Any) -> SageClient:
    """A client of the simulator, not entered yet."""
    return SageClient(simulator.url, "AlvysMPP", SecretStr("sender-secret"), **more)


def invoice(number: str = "ALV-1", *, side: Side = Side.AR) -> Document:
    amounts = ("2450.00", "199.99", "-50.25")
    return document(number=number, side=side, amounts=amounts, key=f"acme/{number}", account=ACCOUNTS[side])


def call(number: str = "ALV-1", *, side: Side = Side.AR, control_id: str | None = None) -> Call:
    return Call(control_id or f"id-{number}", invoice(number, side=side), CUSTOMER if side is Side.AR else VENDOR)


def key(number: str = "ALV-1", *, side: Side = Side.AR) -> DocumentKey:
    if side is Side.AR:
        return DocumentKey(SageObject.AR_INVOICE, number, CUSTOMER)
    return DocumentKey(SageObject.AP_BILL, number, VENDOR)
