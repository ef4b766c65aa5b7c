"""What a worker does about people who may not ask, and about connections that go away or were never active."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from app.bootstrap import subscription_of
from consumers.export import metrics
from sage_client.errors import RefusedError
from tests.support.world import SUBSIDIARY, World, invoice, key


@pytest.fixture
async def world(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix)
    await world.set_up()
    return world


@pytest.mark.requirement(34)
async def test_a_command_of_somebody_without_a_role_is_refused_and_the_topic_moves_on(world: World, tmp_path):
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"ana": "Admin", "dan": "Dispatcher"}))
    settings = world.settings.model_copy(update={"roles_file": people})
    refuses = subscription_of(settings).refuses
    world.sage.refuse = {"a": RefusedError("no"), "b": RefusedError("no")}
    await world.send_invoices("a", "b")
    refused = metrics.COMMANDS_REFUSED.labels("retry")._value
    before = refused.get()
    async with world.worker(refuses=refuses):
        await world.until(2, "rejected")
        world.sage.refuse.clear()
        await world.ask("retry", documents=["invoice/a"], by="dan")
        async with asyncio.timeout(60):
            while refused.get() == before:  # noqa: ASYNC110 - a counter has no event
                await asyncio.sleep(0.02)
        await world.ask("retry", documents=["invoice/b"])
        await world.until(1, "posted")
    assert [each.number for each in world.sage.booked] == ["b"]
    async with world.worker(refuses=refuses):  # it is not asked again of the next owner
        await world.send_invoices("c")
        await world.until(2, "posted")
    assert sorted(each.number for each in world.sage.booked) == ["b", "c"]


@pytest.mark.requirement(9, 10)
async def test_what_is_created_while_a_connection_was_never_active_is_never_exported(world: World):
    await world.set(f"{SUBSIDIARY}/connection", {"companyId": "ACME", "credentials": "acme", "state": "paused"})
    await world.send_invoices("early")
    async with world.worker():
        [early] = await world.until(1)
        assert (early["outcome"], early["code"]) == ("skipped", "BEFORE_ACTIVATION")
        assert "never active" in early["detail"]
        active = {"companyId": "ACME", "credentials": "acme", "state": "active", "activatedAt": "2026-06-10T16:05:21Z"}
        await world.set(f"{SUBSIDIARY}/connection", active)
        await world.send((key("later"), invoice("later").replace(b"16:05:20Z", b"16:05:21Z")))
        await world.send_invoices("still-early")
        await world.until(3)
    assert [each.number for each in world.sage.booked] == ["later"]


@pytest.mark.requirement(30)
@pytest.mark.feature("disconnect")
async def test_a_document_in_doubt_over_a_disconnect_is_looked_up_in_the_books_it_was_sent_to(world: World):
    await world.set(
        f"{SUBSIDIARY}/connection",
        {
            "companyId": "ACME",
            "entityId": "100",
            "credentials": "acme",
            "state": "active",
            "activatedAt": "2026-01-01T00:00:00Z",
        },
    )
    looked: list[str | None] = []
    find = world.sage.find

    async def watched(login, keys):
        looked.append(login.entity_id)
        return await find(login, keys)

    world.sage.find = watched  # type: ignore[method-assign] # it looks over the shoulder of the one there is
    world.sage.hidden = True
    world.sage.script.append("lost")
    await world.send_invoices("a")
    async with world.worker(replace(world.config, max_execution_time=timedelta(seconds=60))):
        await world.until(1, "uncertain")
        for setting in ("connection", "account/ar/default/default", "account/ap/default/default"):
            await world.set(f"{SUBSIDIARY}/{setting}", None)
        await world.connect(SUBSIDIARY)  # anew, at the top level
        await world.set(f"{SUBSIDIARY}/account/ar/default/default", {"account": "4000"})
        world.sage.hidden = False
        await world.until(1, "posted")
    assert set(looked) == {"100"}
    assert len(world.sage.booked) == 1
