"""A file of answers holds everything that a person can have answered, and nothing is lost on the way back."""

import json

from app.connections.wizard_answers import Answers, Draft
from app.connections.words import infos, with_assignments
from domain.categories import Side
from domain.settings.values import ConnectionSetting

STANDING = {"companyId": "C", "credentials": "c", "entityId": "100", "state": "paused"}


def every_setting() -> ConnectionSetting:
    assigned: dict[str, object] = {}
    for name, info in infos().items():
        if name in STANDING:
            continue
        assigned[name] = (not info.default) if info.flag else info.choices[-1] if info.choices else "CAD"
    return ConnectionSetting.model_validate(with_assignments(STANDING, assigned))


def test_what_was_answered_comes_back_from_the_file_as_it_was():
    draft = Draft("S1", credentials="c", entity_id="100", post_to="entity", masters={Side.AP: "5", Side.AR: "4"})
    draft.take_over(every_setting())
    draft.advanced["locationId"] = "110"
    kept = json.loads(json.dumps(draft.answers()))
    again = Draft.of(Answers.model_validate(kept))
    assert again.setting(state="paused") == draft.setting(state="paused")
    assert (again.subsidiary, again.masters, again.post_to) == ("S1", draft.masters, "entity")
    assert set(infos()) >= {f"ap.{name}" for name in again.ap} | {f"ar.{name}" for name in again.ar}
    assert len(again.ap) + len(again.ar) == len([name for name in infos() if name[:3] in ("ap.", "ar.")])


def test_nothing_that_was_not_answered_is_in_the_file():
    assert Draft("S1").answers() == {"subsidiary": "S1", "activate": True}
