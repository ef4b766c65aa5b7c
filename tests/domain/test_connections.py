"""The state of a connection, its switches, and what of it is permanent."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from domain.categories import Side
from domain.settings.connections import Badge, ChangeRefusedError, badge, refuse_moving, switched
from domain.settings.values import ConnectionSetting, InvalidSetting
from tests.support.mappings import CARRIER, CONNECTION, connected

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def setting(**changes: object) -> ConnectionSetting:
    return ConnectionSetting.model_validate(CONNECTION | changes)


@pytest.mark.feature("switches")
def test_the_badge_says_active_paused_or_not_set_up():
    assert badge(setting()) is Badge.ACTIVE
    assert badge(setting(state="paused")) is Badge.PAUSED
    assert badge(setting(state="paused", activatedAt=None)) is Badge.NOT_SET_UP
    assert badge(None) is badge(InvalidSetting("x", 0)) is Badge.NOT_SET_UP


@pytest.mark.requirement(9)
def test_what_becomes_active_first_is_activated_then_and_a_later_pause_does_not_move_it():
    fresh = setting(state="paused", activatedAt=None)
    active = switched(fresh, None, on=True, now=NOW)
    assert active.activated_at == NOW
    paused = switched(active, None, on=False, now=NOW + timedelta(days=1))
    assert switched(paused, None, on=True, now=NOW + timedelta(days=2)) == active
    with pytest.raises(ValidationError, match="activatedAt is needed"):
        setting(activatedAt=None)


@pytest.mark.feature("last switch")
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("state", ["active", "paused"])
def test_the_last_side_that_is_on_cannot_be_switched_off(side: Side, state: str):
    one_left = setting(state=state, **{("ap" if side is Side.AR else "ar"): {"active": False}})
    with pytest.raises(ChangeRefusedError, match="use the master switch"):
        switched(one_left, side, on=False, now=NOW)
    both = switched(one_left, Side.AP if side is Side.AR else Side.AR, on=True, now=NOW)
    assert both.ar.active
    assert both.ap.active


@pytest.mark.requirement(27, 29, 30)
@pytest.mark.parametrize(
    "after",
    [
        setting(entityId="200"),
        setting(entityId=None),
        setting(companyId="Other", entityId="100"),
        None,
        setting(entityId="100", activatedAt="2026-05-31T23:59:59Z"),
        setting(entityId="100", state="paused", activatedAt=None),
    ],
)
def test_a_standing_connection_is_not_led_elsewhere_and_its_activation_not_moved_back(after):
    with pytest.raises(ChangeRefusedError):
        refuse_moving("S1", setting(entityId="100"), after)


def test_everything_else_of_a_connection_may_change():
    before = setting(entityId="100")
    refuse_moving("S1", before, setting(entityId="100", credentials="other", state="paused", ar={"autopost": False}))
    refuse_moving("S1", None, before)
    refuse_moving("S1", InvalidSetting("x", 0), setting(entityId="200"))


@pytest.mark.feature("disconnect")
def test_a_disconnect_clears_master_defaults_as_meant_and_another_writer_does_not():
    settings = connected()
    settings.clear(f"{CARRIER}/connection")
    settings.clear(f"{CARRIER}/account/ap/default/default")
    assert settings.state.cleared_masters() == {}
    settings.connect()
    assert list(settings.state.cleared_masters()) == [f"{CARRIER}/account/ap/default/default"]
