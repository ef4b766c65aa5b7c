"""Admin endpoints for tests and the demonstration, with JSON bodies. Sage's gateway has no such endpoints.

* `GET /admin/state`: `{"companies": {ID: {"invoices", "invoice_total", "bills", "bill_total", "payments",
  "control_ids"}}}`, counted from the database.
* `GET /admin/documents[?company=ID]`: `{"documents": [...]}`, every AR invoice and AP bill with its lines.
* `GET /admin/requests`: counts of requests and functions, and how many were in flight at once.
* `POST /admin/faults`: one fault `{"kind", "company", "function", "times", "probability", "seconds", "status",
  "retry_after"}` (only `kind` is required) or a list of faults. `GET` lists the faults in force, `DELETE` removes all.
* `POST /admin/seed`: a seed. `POST /admin/company`: one company of a seed. Documents and payments stay.
* `PATCH /admin/company/ID`: changes of its configuration, e.g. `{"max_concurrent": 1, "when_busy": "queue"}`, or
  `{"preset": "barest"}`.
* `PATCH /admin/company/ID/OBJECT/KEY`: fields of a master record, e.g. `{"STATUS": "inactive"}`.
* `PATCH /admin/documents/ID/OBJECT/RECORDNO`: `{"STATE": "Selected"}`, a state that a person would set in Sage.
* `POST /admin/payments`: `{"company", "side": "AR"|"AP", "applied": {RECORDNO: AMOUNT}, "on", "number", "method",
  "memo", "state": "draft"|"submitted"|"approved"|"posted"|"cleared", "unapplied"}`, answers `{"recordno"}`. Instead of
  an amount of cash, the parts may be given: `{"payment", "discount", "adjustment", "negative_invoice", "inline",
  "advance", "overpayment"}`, with `"adjustment_key"` and so on for the record that a credit uses up. AP has no
  overpayment.
* `POST /admin/payments/state`: `{"company", "side", "recordno", "state"}`. `POST /admin/payments/delete`: `{"company",
  "side", "recordno"}`. `POST /admin/payments/void`: the same fields, and `"hidden"`: true leaves time stamps unchanged.
* `POST /admin/payments/detail`: `{"company", "side", "recordno", "amounts": {PART: AMOUNT}, "on", "hidden"}` changes a
  detail row. `GET /admin/payments[?company=ID]`: `{"details": [...], "documents": [...]}`, all payment facts.
"""

from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from simulator import admin_payments
from simulator.faults import Fault, Faults
from simulator.seed import Company, Seed
from simulator.store import Store, UnknownCompanyError
from simulator.traffic import Traffic

_FAULTS: TypeAdapter[Fault | list[Fault]] = TypeAdapter(Fault | list[Fault])
_VALUES: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])
_CHANGES: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])

Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_routes(application: web.Application, store: Store, faults: Faults, traffic: Traffic) -> None:
    """Add the admin endpoints to the application."""
    routes = {
        **_reads(store, faults, traffic),
        **_faults(faults),
        **_set_up(store),
        **admin_payments.routes(store),
    }
    for (method, path), handler in routes.items():
        application.router.add_route(method, f"/admin/{path}", _explained(handler))


def _reads(store: Store, faults: Faults, traffic: Traffic) -> dict[tuple[str, str], Handler]:
    async def state(_: web.Request) -> web.Response:
        return web.json_response({"companies": store.state()})

    async def documents(http: web.Request) -> web.Response:
        return web.json_response({"documents": store.documents(http.query.get("company"))})

    async def requests(_: web.Request) -> web.Response:
        return web.json_response(traffic.counts(faults.struck))

    return {("GET", "state"): state, ("GET", "documents"): documents, ("GET", "requests"): requests}


def _faults(faults: Faults) -> dict[tuple[str, str], Handler]:
    def listed() -> web.Response:
        return web.json_response({"faults": [fault.model_dump() for fault in faults.active]})

    async def add(http: web.Request) -> web.Response:
        given = _FAULTS.validate_json(await http.read())
        for fault in given if isinstance(given, list) else [given]:
            faults.add(fault)
        return listed()

    async def show(_: web.Request) -> web.Response:
        return listed()

    async def clear(_: web.Request) -> web.Response:
        faults.clear()
        return listed()

    return {("POST", "faults"): add, ("GET", "faults"): show, ("DELETE", "faults"): clear}


def _set_up(store: Store) -> dict[tuple[str, str], Handler]:
    async def seed(http: web.Request) -> web.Response:
        store.load(Seed.model_validate_json(await http.read()))
        return web.json_response({"companies": store.companies()})

    async def company(http: web.Request) -> web.Response:
        store.load_company(Company.model_validate_json(await http.read()))
        return web.json_response({"companies": store.companies()})

    async def configure(http: web.Request) -> web.Response:
        name = http.match_info["company"]
        store.configure(name, **_CHANGES.validate_json(await http.read()))
        return web.json_response(store.setup(name).config.model_dump(mode="json"))

    async def record(http: web.Request) -> web.Response:
        parts = http.match_info
        values = _VALUES.validate_json(await http.read())
        store.set_record(parts["company"], parts["object"].upper(), parts["key"], values)
        return web.json_response({"changed": parts["key"]})

    async def document(http: web.Request) -> web.Response:
        parts = http.match_info
        state = _VALUES.validate_json(await http.read())["STATE"]
        store.set_state(parts["company"], parts["object"].upper(), int(parts["recordno"]), state)
        return web.json_response({"changed": parts["recordno"]})

    return {
        ("PATCH", "documents/{company}/{object}/{recordno}"): document,
        ("POST", "seed"): seed,
        ("POST", "company"): company,
        ("PATCH", "company/{company}"): configure,
        ("PATCH", "company/{company}/{object}/{key}"): record,
    }


def _explained(handler: Handler) -> Handler:
    """Wrap a handler so that wrong input is answered with 400 or 404 and the reason."""

    @wraps(handler)
    async def explained(http: web.Request) -> web.Response:
        try:
            return await handler(http)
        except (UnknownCompanyError, KeyError) as error:
            return web.json_response({"error": f"not found: {error}"}, status=404)
        except ValidationError as error:
            return web.json_response({"error": str(error)}, status=400)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    return explained
