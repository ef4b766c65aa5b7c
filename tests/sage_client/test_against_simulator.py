"""The client against the simulated gateway, over real HTTP: both sides were written from the same sources, apart."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pydantic import SecretStr

from domain.categories import Side
from domain.documents import PartyKind
from domain.idempotency import marker
from sage_client import Done, ErrorCategory, Refused, SageClient, Unknown, errors
from simulator import Fault, Simulator, demo_seed
from simulator.seed import Preset
from tests.support.blue_mesa import WHO, call, connected, invoice, key
from tests.support.sage_calls import document, why


@pytest.fixture
async def strict(preset: Preset) -> AsyncIterator[SageClient]:
    """A client of a company that takes no number twice, which is a setting of the tenant."""
    seed = demo_seed()
    [company] = seed.companies[:1]
    config = company.config.model_copy(update={"refuse_duplicate_numbers": True})
    company = company.model_copy(update={"config": config})
    async with (
        Simulator(senders=seed.senders, companies=[company], preset=preset) as running,
        SageClient(running.url, "AlvysMPP", SecretStr("sender-secret")) as connected,
    ):
        yield connected


@pytest.mark.parametrize("side", list(Side))
async def test_a_document_that_was_posted_is_found_again(client, side):
    [posted] = await client.post(WHO, [call(side=side)])
    assert isinstance(posted, Done)
    [[found]] = await client.find(WHO, [key(side=side)])
    assert found.record_no == posted.record_no
    assert found.total == Decimal("2599.74")
    assert found.description.endswith(marker("acme/ALV-1"))
    assert found.date == "03/09/2026"


async def test_a_batch_is_a_mix_of_done_and_refused(client):
    unknown_party = replace(call("ALV-2"), party_id="CUST-NONE")
    unknown_account = replace(call("ALV-3"), document=document(number="ALV-3", account="99999"))
    answers = await client.post(WHO, [call("ALV-1"), unknown_party, unknown_account, call("ALV-4", side=Side.AP)])
    assert [type(each) for each in answers] == [Done, Refused, Refused, Done]
    assert {why(each).kind for each in answers[1:3]} == {ErrorCategory.DATA}
    assert await client.find(WHO, [key("ALV-2"), key("ALV-3")]) == [[], []]


async def test_the_same_control_id_books_nothing_twice_and_asks_for_a_look_up(client):
    [first] = await client.post(WHO, [call()])
    [again] = await client.post(WHO, [call()])
    assert isinstance(first, Done)
    assert isinstance(again, Unknown)
    assert isinstance(again.error, errors.DuplicateCallError)
    [[found]] = await client.find(WHO, [key()])
    assert found.record_no == first.record_no


async def test_a_number_that_exists_asks_for_a_look_up(strict):
    [first] = await strict.post(WHO, [call(control_id="first")])
    [second] = await strict.post(WHO, [call(control_id="second")])
    assert isinstance(first, Done)
    assert isinstance(second, Refused)
    assert isinstance(second.error, errors.DuplicateNumberError)
    assert second.error.needs_look_up


async def test_a_closed_period_is_named(client):
    old = replace(invoice("ALV-9"), date=date(2025, 1, 31))
    [answer] = await client.post(WHO, [replace(call("ALV-9"), document=old)])
    assert isinstance(answer, Refused)
    assert isinstance(answer.error, errors.PeriodClosedError)


@pytest.mark.parametrize(
    "fault", ["drop_before_commit", "drop_after_commit", "truncated", "timeout_524", "slow_answer"]
)
async def test_a_broken_answer_is_unknown_and_the_look_up_tells(simulator, client, fault):
    simulator.faults.add(Fault(kind=fault, function="create_invoice", times=1, seconds=3))
    [answer] = await client.post(WHO, [call()])
    assert isinstance(answer, Unknown)
    [found] = await client.find(WHO, [key()])
    assert bool(found) == (fault != "drop_before_commit")
    [again] = await client.post(WHO, [call()])
    assert isinstance(again, Unknown if found else Done)
    [now] = await client.find(WHO, [key()])
    assert len(now) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(kind="throttled", times=1, retry_after=9, function="create_invoice"), ErrorCategory.THROTTLED),
        (Fault(kind="throttled_in_200", times=1, function="create_invoice"), ErrorCategory.THROTTLED),
        (Fault(kind="silent_failure", times=1, function="create_invoice"), ErrorCategory.DATA),
    ],
)
async def test_a_refusal_of_the_gateway_is_proven_not_done(simulator, client, fault, kind):
    simulator.faults.add(fault.model_copy())
    [answer] = await client.post(WHO, [call()])
    assert isinstance(answer, Refused)
    assert answer.error.kind is kind
    assert await client.find(WHO, [key()]) == [[]]
    assert isinstance((await client.post(WHO, [call()]))[0], Done)


async def test_a_session_that_ended_is_opened_again_unseen(simulator, client):
    await client.post(WHO, [call("ALV-1")])
    simulator.faults.add(Fault(kind="expire_session", times=1))
    [answer] = await client.post(WHO, [call("ALV-2")])
    assert isinstance(answer, Done)


async def test_a_wrong_password_is_refused_and_nothing_is_posted(client):
    [answer] = await client.post(replace(WHO, password=SecretStr("wrong")), [call()])
    assert isinstance(answer, Refused)
    assert answer.error.kind is ErrorCategory.AUTH


async def test_a_wrong_sender_posts_nothing_and_defers_every_document(simulator):
    async with SageClient(simulator.url, "AlvysMPP", SecretStr("wrong")) as client:
        [answer] = await client.post(WHO, [call()])
    assert isinstance(answer, Refused)
    assert answer.error.kind in {
        ErrorCategory.AUTH,
        ErrorCategory.CONFIGURATION,
    }  # XMLGW_JPP0002 does not say whose password it was


async def test_the_books_are_read_as_they_stand(client):
    accounts = {each.number: each for each in await client.accounts(WHO)}
    assert accounts["40010"].title == "Customer linehaul"
    assert accounts["40010"].active
    assert [each.id for each in await client.entities(WHO)] == ["100", "200"]
    assert {each.name: each.days for each in await client.terms(WHO, Side.AR)}["Net 45"] == 45


async def test_all_parties_are_read(client):
    vendors = await client.parties(WHO, PartyKind.VENDOR)
    assert {"VEN-20417", "VEN-BESTPASS"} <= {each.id for each in vendors if each.active}
    customers = await client.parties(WHO, PartyKind.CUSTOMER)
    assert "Prairie Gold Foods" in {each.name for each in customers}


@pytest.mark.parametrize("side", list(Side))
async def test_a_document_is_known_by_the_marker_in_a_custom_field(marked, side):
    async with connected(marked, marker_field="ALVYS_MARKER") as client:
        [posted] = await client.post(WHO, [call(side=side)])
        [[found]] = await client.find(WHO, [key(side=side)])
    assert isinstance(posted, Done)
    assert found.mark == marker("acme/ALV-1")
    assert found.bears(marker("acme/ALV-1"))
    assert not found.bears(marker("acme/ALV-2"))
    assert "alvys:" not in found.description


async def test_a_document_posted_before_the_field_was_set_up_is_still_known(marked):
    async with connected(marked) as client:
        await client.post(WHO, [call()])
    async with connected(marked, marker_field="ALVYS_MARKER") as client:
        [[found]] = await client.find(WHO, [key()])
    assert found.bears(marker("acme/ALV-1"))


async def test_a_marker_field_that_the_company_lacks_posts_nothing_and_proves_nothing(simulator):
    async with connected(simulator, marker_field="ALVYS_MARKER") as client:
        [answer] = await client.post(WHO, [call()])
        assert isinstance(answer, Refused)
        with pytest.raises(errors.SageError):
            await client.find(WHO, [key()])
