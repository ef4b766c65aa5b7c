"""Who may, and where users and passwords come from: without a broker."""

import json

import pytest
from pydantic import SecretStr

from app.credentials import Credentials
from app.errors import SettingsError
from app.roles import NotAllowedError, may_change, refusal
from app.secret_provider import Provided, provided_by
from app.settings import Settings


@pytest.fixture(autouse=True)
def _no_provider_kept():
    provided_by.cache_clear()


@pytest.mark.requirement(34)
@pytest.mark.parametrize(
    ("by", "role"),
    [("ana", "Admin"), ("ANA ", "admin"), ("ana", "Partner Admin"), ("ana", "partner-admin"), ("ana", "Support")],
)
def test_each_of_the_three_roles_may(tmp_path, by: str, role: str):
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"ana": role}))
    may_change(Settings(roles_file=people), by)


@pytest.mark.requirement(34)
def test_everyone_else_is_refused_by_name_and_the_file_is_read_afresh(tmp_path):
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"dan": "Administration"}))
    settings = Settings(roles_file=people)
    with pytest.raises(NotAllowedError, match="NOT_ALLOWED: 'dan' has the role 'Administration'") as refused:
        may_change(settings, "dan")
    assert refused.value.exit_code == 2
    people.write_text(json.dumps({"dan": "Admin"}))
    may_change(settings, "dan")


def test_a_roles_file_that_cannot_be_read_lets_nobody_and_no_file_everybody(tmp_path):
    gone = tmp_path / "gone.json"
    with pytest.raises(SettingsError, match="ALVYS_SAGE_ROLES_FILE"):
        may_change(Settings(roles_file=gone), "ana")
    assert "NOT_ALLOWED" in (refusal(gone, "ana") or "")
    may_change(Settings(), "anybody")
    assert refusal(None, "anybody") is None


def vault(name: str) -> tuple[str, str] | None:
    return ("ws", "from-the-vault") if name == "acme" else None


def broken(name: str) -> tuple[str, str]:
    raise OSError("the token geheim was refused")


NO_FUNCTION = 5


def test_a_provider_is_asked_last_and_what_it_does_not_know_is_told_with_the_variables_to_set():
    own = {"mine": Credentials(user="me", password=SecretStr("p"))}
    settings = Settings(credentials=own, credentials_provider=f"{__name__}:vault")
    assert settings.credentials_for("acme").password.get_secret_value() == "from-the-vault"
    assert settings.credentials_for("mine").user == "me"
    with pytest.raises(SettingsError, match="ALVYS_SAGE_CREDENTIALS__OTHER__PASSWORD"):
        settings.credentials_for("other")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (f"{__name__}:broken", "failed for 'acme': OSError"),
        (f"{__name__}:NO_FUNCTION", "is no function"),
        (f"{__name__}:gone", "cannot be imported"),
        ("nowhere.at.all:f", "cannot be imported"),
        ("vault-of-nobody", "no entry point of that name"),
    ],
)
def test_a_provider_that_cannot_be_had_is_told_without_a_secret(spec: str, said: str):
    with pytest.raises(SettingsError, match=said) as told:
        Settings(credentials_provider=spec).credentials_for("acme")
    assert "geheim" not in str(told.value)
    assert told.value.__context__ is None or "geheim" not in str(told.value.__context__)


def test_an_answer_is_kept_a_minute_and_outlives_a_provider_that_fails(monkeypatch):
    now, answers = [0.0], [("ws", "one"), ("ws", "two")]
    monkeypatch.setattr("app.secret_provider.time.monotonic", lambda: now[0])
    provided = Provided("vault", lambda _: answers.pop(0))

    def password() -> str:
        found = provided.get("acme")
        assert found is not None
        return found.password.get_secret_value()

    assert [password(), password()] == ["one", "one"]
    now[0] = 61
    assert password() == "two"
    now[0] = 122
    assert password() == "two", "the list is empty: it raises from now on"
    assert "two" not in repr(provided.get("acme"))


def test_an_answer_that_is_none_of_ours_is_refused():
    for answer in ("user", ("a",), ("a", ""), {"user": "a"}, (1, "p")):
        with pytest.raises(SettingsError, match="gave no"):
            Provided("vault", lambda _, answer=answer: answer).get("acme")
