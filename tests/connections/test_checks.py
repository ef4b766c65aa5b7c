"""The reconciliation check, pure: settings held against a snapshot of the books."""

from dataclasses import replace
from typing import Any

import pytest

from app.connections.checks import check
from app.connections.findings import ADVICE, Finding, SetupProblem, Severity, WizardStep
from app.connections.settings_in_use import mapped
from app.connections.sign_in_diagnosis import diagnose
from app.connections.snapshot import CompanySnapshot, DimensionFact, FieldFact
from domain.categories import Side
from domain.settings.values import ConnectionSetting
from sage_client import Account, Entity, ExchangeLevel, SageError, Term
from sage_client.errors import EndpointRefusedError, GatewayRedirectsError
from tests.support.mappings import CARRIER, Settings, connected


def account(number: str, *, active: bool = True, requires: str = "") -> Account:
    return Account(number, "", "incomestatement", active, frozenset(requires.split()))


BOOKS = CompanySnapshot(
    accounts={number: account(number) for number in ("4000", "5000", "5100")},
    terms={side: {"Net 30": Term("Net 30", 30, active=True)} for side in Side},
    entities=(),
    vendors={"VEN-FUEL": True, "VEN-TOLL": True},
    locations={},
    dimensions=(
        DimensionFact("LOCATION", "Location", in_gl=True, values={"110": None, "111": "is inactive"}),
        DimensionFact("DEPARTMENT", "Department", in_gl=True, values={"OPS": None}),
        DimensionFact("PROJECT", "Project", in_gl=False),
        DimensionFact(
            "RIG", "Rig", in_gl=True, unreadable="Unable to retrieve values for dimension from Sage Intacct."
        ),
    ),
    fields=(),
)
"""What a healthy company has."""


def checked(settings: Settings, books: CompanySnapshot = BOOKS) -> list[Finding]:
    setting = settings.state.connection(CARRIER)
    assert isinstance(setting, ConnectionSetting)
    return check(CARRIER, setting, settings.state, mapped(CARRIER, settings.state), books)


def found(settings: Settings, books: CompanySnapshot = BOOKS) -> list[tuple[SetupProblem, Severity, WizardStep]]:
    return [(each.problem, each.severity, each.step) for each in checked(settings, books)]


E, W = Severity.ERROR, Severity.WARNING


@pytest.mark.feature("set-up wizard")
def test_a_connection_that_fits_has_no_findings():
    assert found(connected()) == []


@pytest.mark.requirement(21)
@pytest.mark.parametrize(("side", "step"), [("ar", WizardStep.AR), ("ap", WizardStep.AP)])
def test_a_master_default_that_is_missing_is_an_error_of_its_sides_step(side, step):
    settings = connected()
    settings.clear(f"{CARRIER}/account/{side}/default/default")
    assert found(settings) == [(SetupProblem.MASTER_DEFAULT_MISSING, E, step)]
    off: dict[str, Any] = {side: {"active": False}}
    settings.connect(**off)
    assert found(settings) == [(SetupProblem.MASTER_DEFAULT_MISSING, W, step)]


@pytest.mark.requirement(22)
def test_every_mapped_account_has_to_be_there_and_active():
    settings = connected()
    settings.account("ap/fuel/Truck Diesel", "5999")
    settings.account("ap/fuel/Gas", "5100")
    books = replace(BOOKS, accounts={**(BOOKS.accounts or {}), "5100": account("5100", active=False)})
    gone, inactive = checked(settings, books)
    assert (gone.problem, inactive.problem) == (SetupProblem.ACCOUNT_INACTIVE, SetupProblem.ACCOUNT_NOT_FOUND)
    assert {gone.key, inactive.key} == {f"{CARRIER}/account/ap/fuel/{item}" for item in ("Gas", "Truck Diesel")}
    assert gone.step is WizardStep.AP


def test_what_hits_only_a_side_that_is_off_stops_nothing():
    settings = connected(ap={"active": False})
    settings.account("ap/fuel/Gas", "5999")
    assert found(settings) == [(SetupProblem.ACCOUNT_NOT_FOUND, W, WizardStep.AP)]


@pytest.mark.requirement(24)
@pytest.mark.feature("dimensions before the call")
@pytest.mark.requirement(23)
def test_a_dimension_that_a_mapped_account_requires_has_to_be_mapped():
    settings = connected()
    books = replace(BOOKS, accounts={**(BOOKS.accounts or {}), "5000": account("5000", requires="DEPT LOC VENDOR")})
    problems = [(each.what.split(" on ")[0], each.severity) for each in checked(settings, books)]
    assert sorted(problems) == [
        ("GL account 5000 requires Department", E),
        ("GL account 5000 requires Location", E),
        ("GL account 5000 requires Vendor", W),
    ]
    settings.connect(locationId="110")
    settings.put(f"{CARRIER}/dimension/department", {"source": "office", "default": "OPS"})
    settings.put(f"{CARRIER}/dimension/vendor", {"source": "driver"})
    books = replace(books, locations={"110": True})
    assert (SetupProblem.DIMENSION_REQUIRED, E, WizardStep.ADVANCED) not in found(settings, books)


def test_a_company_with_entities_needs_a_location_on_every_line():
    settings = connected()
    books = replace(BOOKS, entities=(Entity("100", "East", active=True),))
    assert found(settings, books) == [(SetupProblem.LOCATION_MISSING, E, WizardStep.ADVANCED)]
    settings.connect(locationId="110")
    assert found(settings, replace(books, locations={"110": True})) == []
    assert found(settings, books) == [(SetupProblem.DIMENSION_VALUE_GONE, E, WizardStep.ADVANCED)]
    assert found(settings, replace(books, locations={"110": False})) == [
        (SetupProblem.DIMENSION_VALUE_BLOCKED, E, WizardStep.ADVANCED)
    ]


def test_terms_that_settings_name_are_there_on_both_sides():
    settings = connected(terms={"default": "Net 30", "fallback": "Net 45"})
    books = replace(BOOKS, terms={**BOOKS.terms, Side.AP: {"Net 30": Term("Net 30", 30, active=False)}})
    assert found(settings, books) == [
        (SetupProblem.TERM_INACTIVE, E, WizardStep.ADVANCED),
        (SetupProblem.TERM_NOT_FOUND, E, WizardStep.ADVANCED),
        (SetupProblem.TERM_NOT_FOUND, E, WizardStep.ADVANCED),
    ]


def test_vendors_of_providers_are_there_and_active_and_one_that_is_missing_is_told():
    settings = connected()
    settings.clear(f"{CARRIER}/vendor/toll/default")
    books = replace(BOOKS, vendors={"VEN-FUEL": False})
    assert found(settings, books) == [
        (SetupProblem.VENDOR_INACTIVE, E, WizardStep.AP),
        (SetupProblem.VENDOR_UNMAPPED, W, WizardStep.AP),
    ]
    assert found(settings, replace(BOOKS, vendors={}))[0] == (SetupProblem.VENDOR_NOT_FOUND, E, WizardStep.AP)
    settings.connect(ap={"includeTolls": False})
    assert found(settings) == []


@pytest.mark.requirement(46, 47, 48)
@pytest.mark.feature("dimensions")
@pytest.mark.parametrize(
    ("dimension", "value", "problem"),
    [
        ("project", {"default": "P"}, SetupProblem.DIMENSION_NOT_IN_GL),
        ("rig", {"default": "1"}, SetupProblem.DIMENSION_VALUES_UNREADABLE),
        ("planet", {"default": "1"}, SetupProblem.DIMENSION_NOT_FOUND),
        ("location", {"default": "111"}, SetupProblem.DIMENSION_VALUE_BLOCKED),
        ("location", {"default": "112"}, SetupProblem.DIMENSION_VALUE_GONE),
    ],
)
def test_a_mapped_dimension_can_be_posted_to(dimension, value, problem):
    settings = connected()
    settings.put(f"{CARRIER}/dimension/{dimension}", {"source": "office", **value})
    [only] = checked(settings)
    assert (only.problem, only.severity) == (problem, E)
    if problem is SetupProblem.DIMENSION_VALUES_UNREADABLE:
        assert only.what.endswith("Unable to retrieve values for dimension from Sage Intacct.")


@pytest.mark.requirement(42, 43, 44, 45)
@pytest.mark.feature("custom fields")
def test_required_custom_fields_are_mapped_and_mapped_ones_are_supported():
    settings = connected()
    settings.put(f"{CARRIER}/custom-field/apbill/LEVEL", {"source": "load.office", "type": "text"})
    settings.put(f"{CARRIER}/custom-field/apbill/GONE", {"source": "load.office", "type": "text"})
    fields = (
        FieldFact("arinvoice", "LOAD", required=True, refused=None),
        FieldFact("apbill", "LEVEL", required=False, refused="its type Picklist is not supported"),
    )
    assert {each[:2] for each in found(settings, replace(BOOKS, fields=fields))} == {
        (SetupProblem.FIELD_REQUIRED, E),
        (SetupProblem.FIELD_UNSUPPORTED, E),
        (SetupProblem.FIELD_NOT_FOUND, E),
    }


def test_a_setting_that_cannot_be_read_is_an_error_and_no_other_check_stumbles_over_it():
    settings = connected()
    settings.raw(f"{CARRIER}/account/ap/default/default", b"{")
    settings.raw(f"{CARRIER}/vendor/fuel/default", b"{")
    assert {each[0] for each in found(settings)} == {SetupProblem.SETTING_UNREADABLE}


def test_what_could_not_be_read_makes_no_finding_of_its_own():
    assert found(connected(), CompanySnapshot()) == []


def test_every_problem_has_advice():
    assert set(ADVICE) == set(SetupProblem)
    assert all(advice.todo or advice.severity is Severity.NOTE for advice in ADVICE.values())


@pytest.mark.parametrize(
    "error",
    [
        EndpointRefusedError("the gateway names https://evil.example", level=ExchangeLevel.RESULT),
        GatewayRedirectsError(
            "HTTP 301: it redirects to https://new.example", level=ExchangeLevel.HTTP, http_status=301
        ),
    ],
)
def test_an_address_that_leads_elsewhere_is_told_as_the_gateways_not_as_the_companys(error: SageError):
    found = diagnose(error, "AlvysMPP", "ACME", "ws")
    assert found.problem is SetupProblem.SAGE_NOT_REACHED
    assert str(error) in found.what
    assert "ALVYS_SAGE_GATEWAY_URL" in " ".join(found.todo("s"))
