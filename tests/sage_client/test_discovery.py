"""What a company's Sage offers to map, read from the simulated gateway over real HTTP."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from domain.settings.custom_fields import FieldObject, FieldType
from sage_client import Dimension, Login, SageClient, errors
from simulator import Simulator, demo_seed
from simulator.seed import Preset
from tests.support.customized_company import COMPANY

WHO = Login("ACME", "u", SecretStr("p"))


@pytest.fixture
async def client(preset: Preset) -> AsyncIterator[SageClient]:
    async with (
        Simulator(senders=demo_seed().senders, companies=[COMPANY], preset=preset) as running,
        SageClient(running.url, "AlvysMPP", SecretStr("sender-secret")) as connected,
    ):
        yield connected


async def of(client: SageClient, name: str) -> Dimension:
    return next(each for each in await client.dimensions(WHO) if each.object == name)


@pytest.mark.requirement(7, 48)
@pytest.mark.feature("dimensions")
async def test_only_dimensions_that_are_enabled_for_gl_posting_are_offered(client, preset):
    found = {each.object: each for each in await client.dimensions(WHO)}
    offered = {"LOCATION", "DEPARTMENT", "CLASS", "CUSTOMER", "VENDOR", "LINE_OF_BUSINESS", "RIG"}
    bought = {"EMPLOYEE", "ITEM", "FIXEDASSET", "CONTRACT", "WAREHOUSE", "PROJECT"} if preset == "fullest" else set()
    assert {name for name, each in found.items() if each.withheld is None} == offered | bought - {"PROJECT"}
    for name in ({"PROJECT"} & bought) | {"SPEND_ONLY"}:
        assert "enable it for GL posting in Sage Intacct, or contact support" in (found[name].withheld or "")
    assert (found["LINE_OF_BUSINESS"].label, found["LINE_OF_BUSINESS"].user_defined) == ("Line of business", True)


async def test_a_standard_dimensions_values_come_with_whether_they_can_be_posted_to(client):
    values = {each.id: each for each in await client.dimension_values(WHO, await of(client, "DEPARTMENT"))}
    assert {each.id: each.blocked for each in values.values()} == {
        "OPS": None,
        "OLD": "is inactive",
        "SUM": "is active non-posting",
    }
    assert values["OPS"].name == "Operations"


async def test_a_user_defined_dimensions_values_come_with_their_integer_ids(client):
    values = await client.dimension_values(WHO, await of(client, "LINE_OF_BUSINESS"))
    assert [(each.id, each.name, each.blocked) for each in values] == [
        ("10001", "Dry van", None),
        ("10002", "Reefer", None),
    ]


@pytest.mark.requirement(46, 47)
async def test_a_platform_apps_dimension_answers_in_the_products_words_exactly(client):
    with pytest.raises(errors.DimensionUnreadableError) as caught:
        await client.dimension_values(WHO, await of(client, "RIG"))
    assert str(caught.value) == "Unable to retrieve values for dimension from Sage Intacct."
    assert caught.value.dimension == "RIG"
    assert caught.value.errors[0].errorno == "PL04000005"


async def test_a_dimension_that_sage_does_not_define_for_the_user_is_one_of_platform_apps_too(client):
    with pytest.raises(errors.DimensionUnreadableError):
        await client.dimension_values(WHO, Dimension("NOWHERE", "Nowhere", user_defined=True, in_gl=True))


async def test_a_standard_dimension_that_the_user_may_not_read_is_a_matter_of_his_role(client):
    who = Login("ACME", "denied", SecretStr("p"))
    with pytest.raises(errors.PermissionDeniedError) as caught:
        await client.dimension_values(who, await of(client, "CLASS"))
    assert not isinstance(caught.value, errors.DimensionUnreadableError)


@pytest.mark.requirement(42, 43)
@pytest.mark.feature("custom fields")
async def test_the_five_types_of_the_four_objects_are_offered(client):
    found = {each.name: each for each in await client.custom_fields(WHO, *FieldObject) if each.refused is None}
    assert {name: each.type for name, each in found.items()} == {
        "A_DATE": FieldType.DATE,
        "A_CURRENCY": FieldType.CURRENCY,
        "A_NUMBER": FieldType.NUMBER,
        "A_TEXT": FieldType.TEXT,
        "AN_AREA": FieldType.TEXT_AREA,
        "A_LINE": FieldType.TEXT,
    }
    assert (found["A_NUMBER"].required, found["A_TEXT"].required) == (True, False)
    assert found["A_LINE"].object is FieldObject.AP_BILL_ITEM


@pytest.mark.requirement(44)
async def test_the_types_that_are_not_supported_are_refused_by_name(client):
    found = {each.name: each.refused or "" for each in await client.custom_fields(WHO, FieldObject.AP_BILL)}
    named = {
        "A_PICKLIST": "Picklist",
        "A_LISTED": "Picklist",
        "A_MULTI": "Multi-select picklist",
        "A_CHECKBOX": "Checkbox",
        "AN_EMAIL": "Email",
        "A_PERCENT": "Percent",
        "A_URL": "URL",
        "A_PASSWORD": "Password",
        "A_SEQUENCE": "Sequence",
        "A_WONDER": "HOLOGRAM",
    }
    assert set(found) == set(named)
    assert all(name in found[field] and "not supported" in found[field] for field, name in named.items())
