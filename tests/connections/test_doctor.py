"""The doctor against a simulated company: each prerequisite that Alvys names broken once, and what it says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from app.connections.doctor import examine
from app.connections.findings import Finding, SetupProblem, Severity, errors
from app.credentials import Credentials
from app.settings import Settings
from simulator.seed import Account, Company, Config, CustomField, Record, Sender, Term, User, UserDefinedDimension
from simulator.server import Simulator
from tests.support.mappings import CARRIER
from tests.support.mappings import Settings as Mappings

COMPANY = Company(
    company_id="ACME",
    senders=("AlvysMPP",),
    users=(User(id="ws", password="open-sesame"),),
    config=Config(multi_entity=True),
    entities=(Record(id="100", name="East"), Record(id="200", name="West")),
    customers=(Record(id="C-1", name="Acme"),),
    vendors=(Record(id="V-1", name="EFS"),),
    ar_terms=(Term(name="Net 30", days=30),),
    ap_terms=(Term(name="Net 30", days=30),),
    departments=(Record(id="OPS", name="Operations"),),
    accounts=(Account(number="4000", title="Revenue"), Account(number="5000", title="Expense")),
)


@dataclass
class Clinic:
    sim: Simulator
    settings: Settings
    mappings: Mappings

    def company(self, **changes: Any) -> None:
        self.sim.store.load_company(COMPANY.model_copy(update=changes))

    def config(self, **changes: Any) -> None:
        self.company(config=COMPANY.config.model_copy(update=changes))

    def connect(self, **changes: object) -> None:
        value = {"companyId": "ACME", "credentials": "acme", "state": "active", "activatedAt": "2026-06-01T00:00:00Z"}
        self.mappings.put(f"{CARRIER}/connection", value | {"entityId": "100", "locationId": "100"} | changes)

    def set(self, **changes: Any) -> None:
        self.settings = self.settings.model_copy(update=changes)

    def platform_dimension(self) -> None:
        self.mappings.put(f"{CARRIER}/dimension/truck", {"source": "truck", "userDefined": "TRUCK", "default": "10001"})
        self.company(
            users=(User(id="ws", password="open-sesame", denied=("TRUCK",)),),
            config=Config(multi_entity=True, user_dimensions=(UserDefinedDimension(name="TRUCK", values=("1",)),)),
        )

    def not_connected(self) -> None:
        self.mappings.clear(f"{CARRIER}/connection")

    async def findings(self) -> list[Finding]:
        return await examine(self.settings, CARRIER, self.mappings.state)

    async def errors(self) -> list[SetupProblem]:
        return [each.problem for each in errors(await self.findings())]


@pytest.fixture
async def clinic():
    """A subsidiary that is connected to a company in which nothing is wrong."""
    async with Simulator(companies=(COMPANY,), senders=(Sender(id="AlvysMPP", password="s"),)) as sim:
        settings = Settings(
            gateway_url=sim.url,
            sender_password=SecretStr("s"),
            credentials={"acme": Credentials(user="ws", password=SecretStr("open-sesame"))},
        )
        clinic = Clinic(sim, settings, Mappings())
        clinic.connect()
        for key, value in {
            "account/ar/default/default": {"account": "4000"},
            "account/ap/default/default": {"account": "5000"},
            "vendor/fuel/default": {"vendorId": "V-1"},
            "vendor/toll/default": {"vendorId": "V-1"},
        }.items():
            clinic.mappings.put(f"{CARRIER}/{key}", value)
        yield clinic


@pytest.mark.requirement(11, 12, 13, 17, 19, 21)
async def test_where_all_prerequisites_are_met_there_is_no_error_and_what_cannot_be_known_is_said(clinic: Clinic):
    told = [(each.problem, each.severity) for each in await clinic.findings()]
    assert told == [
        (SetupProblem.NOT_CHECKED, Severity.NOTE),
        *[(SetupProblem.CORRECTION_NOT_CHECKED, Severity.NOTE)] * 2,
    ]


async def test_what_a_correction_needs_in_sage_is_said_side_by_side(clinic: Clinic):
    clinic.connect(ap={"correctPostedBy": "deletion"}, ar={"active": True})
    ar, ap = [each for each in await clinic.findings() if each.problem is SetupProblem.CORRECTION_NOT_CHECKED]
    assert ("reversed" in ar.what, "deleted" in ap.what) == (True, True)
    advice = " ".join(ar.todo("acme"))
    for words in ("Enable reversal of unpaid invoices", "Enable reversal of unpaid bills", "Reverse", "restrictions"):
        assert words in advice
    clinic.connect(ap={"active": False})
    [only] = [each for each in await clinic.findings() if each.problem is SetupProblem.CORRECTION_NOT_CHECKED]
    assert "invoices" in only.what


BROKEN: dict[str, tuple[Callable[[Clinic], object], SetupProblem, str]] = {
    "the gateway": (
        lambda c: c.set(gateway_url="http://127.0.0.1:9/"), SetupProblem.SAGE_NOT_REACHED, "ALVYS_SAGE_GATEWAY_URL"),
    "web services off": (
        lambda c: c.config(web_services=False), SetupProblem.SENDER_NOT_AUTHORISED, "Company > Admin > Subscriptions"),
    "sender not authorised": (
        lambda c: c.company(senders=()), SetupProblem.SENDER_NOT_AUTHORISED, "Web Services Authorizations, click Add"),
    "sender unknown": (lambda c: c.set(sender_id="Alvys"), SetupProblem.SENDER_REFUSED, "ALVYS_SAGE_SENDER_ID"),
    "sender inactive": (
        lambda c: c.sim.store.load_company(COMPANY, (Sender(id="AlvysMPP", password="s", active=False),)),
        SetupProblem.COMPANY_REFUSED, "subscription"),
    "sender password not set": (
        lambda c: c.set(sender_password=None), SetupProblem.SENDER_PASSWORD_MISSING, "ALVYS_SAGE_SENDER_PASSWORD"),
    "credentials not given": (lambda c: c.set(credentials={}), SetupProblem.CREDENTIALS_MISSING, "Set what is named"),
    "company": (lambda c: c.connect(companyId="ACMI"), SetupProblem.USER_REFUSED, "Compare the Company ID"),
    "password": (
        lambda c: c.set(credentials={"acme": Credentials(user="ws", password=SecretStr("w"))}),
        SetupProblem.USER_REFUSED, "Web Services Users"),
    "user inactive": (
        lambda c: c.company(users=(User(id="ws", password="open-sesame", status="inactive"),)),
        SetupProblem.USER_REFUSED, "Status Active"),
    "role": (
        lambda c: c.company(users=(User(id="ws", password="open-sesame", denied=("query APBILL",)),)),
        SetupProblem.PERMISSION_MISSING, "Accounts Payable"),
    "entity gone": (lambda c: c.connect(entityId="300"), SetupProblem.ENTITY_NOT_FOUND, "Entities"),
    "entity inactive": (
        lambda c: c.company(entities=(Record(id="100", name="East", status="inactive"),)),
        SetupProblem.ENTITY_INACTIVE, "Status is Active"),
    "account gone": (
        lambda c: c.company(accounts=COMPANY.accounts[:1]), SetupProblem.ACCOUNT_NOT_FOUND, "General Ledger Accounts"),
    "account inactive": (
        lambda c: c.company(accounts=(COMPANY.accounts[0], Account(number="5000", title="E", status="inactive"))),
        SetupProblem.ACCOUNT_INACTIVE, "General Ledger Accounts"),
    "dimension required": (
        lambda c: c.company(accounts=(COMPANY.accounts[0], Account(number="5000", title="E", requires=("class",)))),
        SetupProblem.DIMENSION_REQUIRED, "Map the dimension"),
    "dimension value removed": (
        lambda c: c.mappings.put(f"{CARRIER}/dimension/department", {"source": "office", "default": "GONE"}),
        SetupProblem.DIMENSION_VALUE_GONE, "Add the value"),
    "platform apps dimension": (
        lambda c: c.platform_dimension(),
        SetupProblem.DIMENSION_VALUES_UNREADABLE, "Platform Apps"),
    "custom field required": (
        lambda c: c.config(custom_fields=(CustomField(object="APBILL", name="LEVEL", required=True),)),
        SetupProblem.FIELD_REQUIRED, "Map the custom field"),
    "term gone": (lambda c: c.connect(terms={"default": "Net 15"}), SetupProblem.TERM_NOT_FOUND, "Add the term"),
    "vendor inactive": (
        lambda c: c.company(vendors=(Record(id="V-1", name="EFS", status="inactive"),)),
        SetupProblem.VENDOR_INACTIVE, "Make the vendor active"),
    "location gone": (lambda c: c.connect(locationId="109"), SetupProblem.DIMENSION_VALUE_GONE, "Add the value"),
    "not connected": (lambda c: c.not_connected(), SetupProblem.NOT_CONNECTED, "connect"),
    "unreadable": (lambda c: c.connect(state="on"), SetupProblem.SETTING_UNREADABLE, "Write the key again"),
}  # fmt: skip


@pytest.mark.requirement(11, 12, 13, 15, 17, 18, 19, 20, 21, 23, 24, 27, 33)
@pytest.mark.parametrize("prerequisite", BROKEN)
async def test_each_prerequisite_that_is_broken_is_named_with_what_to_do(clinic: Clinic, prerequisite: str):
    broken, problem, todo = BROKEN[prerequisite]
    broken(clinic)
    found = [each for each in errors(await clinic.findings()) if each.problem is problem]
    assert found, await clinic.errors()
    assert todo in " ".join(found[0].todo(CARRIER))
    assert "open-sesame" not in repr(found)


async def test_a_wrong_password_is_tried_twice_at_most(clinic: Clinic):
    clinic.set(credentials={"acme": Credentials(user="ws", password=SecretStr("wrong"))})
    assert await clinic.errors() == [SetupProblem.USER_REFUSED]
    assert clinic.sim.traffic.counts(0)["functions"].get("getAPISession", 0) <= 2


async def test_one_object_that_may_not_be_read_hides_nothing_else(clinic: Clinic):
    clinic.company(
        users=(User(id="ws", password="open-sesame", denied=("query ARTERM",)),), accounts=COMPANY.accounts[1:]
    )
    assert await clinic.errors() == [SetupProblem.PERMISSION_MISSING, SetupProblem.ACCOUNT_NOT_FOUND]


async def test_the_top_level_of_a_company_with_entities_needs_a_location(clinic: Clinic):
    clinic.connect(entityId=None, locationId=None)
    assert await clinic.errors() == [SetupProblem.LOCATION_MISSING]
    clinic.connect(entityId=None, locationId="200")
    assert await clinic.errors() == []
