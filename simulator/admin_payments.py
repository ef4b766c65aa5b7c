"""The admin endpoints that simulate payments. `simulator.admin` documents them."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from simulator.payments import PARTS, Edit, Parts, Payment, PaymentError, State
from simulator.store import Store

Handler = Callable[[web.Request], Awaitable[web.Response]]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    company: str
    side: Literal["AR", "AP"]


class _Payment(_Asked):
    applied: dict[int, str | Parts] = {}
    on: date | None = None
    number: str = ""
    method: str = "EFT"
    memo: str = ""
    state: State = "posted"
    unapplied: str = "0"


class _Recorded(_Asked):
    recordno: int


class _Void(_Recorded):
    hidden: bool = False


class _Move(_Recorded):
    state: State


class _Edit(_Recorded):
    amounts: dict[str, str] = {}
    on: date | None = None
    hidden: bool = False


def routes(store: Store) -> dict[tuple[str, str], Handler]:
    """Make the handlers of the endpoints below /admin/payments, by method and path."""
    desk = store.payments

    async def pay(http: web.Request) -> web.Response:
        given = _Payment.model_validate_json(await http.read())
        asked = {name: getattr(given, name) for name in _Payment.model_fields if name not in _Asked.model_fields}
        return web.json_response({"recordno": desk.record(given.company, given.side, Payment(**asked))})

    async def void(http: web.Request) -> web.Response:
        given = _Void.model_validate_json(await http.read())
        desk.void(given.company, given.side, given.recordno, hidden=given.hidden)
        return web.json_response({"voided": given.recordno})

    async def move(http: web.Request) -> web.Response:
        given = _Move.model_validate_json(await http.read())
        desk.move(given.company, given.side, given.recordno, given.state)
        return web.json_response({"moved": given.recordno})

    async def delete(http: web.Request) -> web.Response:
        given = _Recorded.model_validate_json(await http.read())
        desk.delete(given.company, given.side, given.recordno)
        return web.json_response({"deleted": given.recordno})

    async def edit(http: web.Request) -> web.Response:
        given = _Edit.model_validate_json(await http.read())
        if unknown := given.amounts.keys() - set(PARTS):
            raise PaymentError(f"not a part of a payment: {', '.join(sorted(unknown))}")
        desk.edit(given.company, given.side, given.recordno, Edit(given.amounts, given.on), hidden=given.hidden)
        return web.json_response({"changed": given.recordno})

    async def facts(http: web.Request) -> web.Response:
        company = http.query.get("company")
        return web.json_response(desk.facts([company] if company else store.companies()))

    return {
        ("GET", "payments"): facts,
        ("POST", "payments"): pay,
        ("POST", "payments/void"): void,
        ("POST", "payments/state"): move,
        ("POST", "payments/delete"): delete,
        ("POST", "payments/detail"): edit,
    }
