"""Who may configure the integration: Admin, Partner Admin and Support (requirement 34); others are refused by name.

Who acts is what ``--by`` or USER says, and a command on `export-commands` its ``by``. Roles stand in a JSON file of
name to role, read afresh each time. Without the file roles are not set up, and everyone may: whoever can run these
commands holds the installation's own access to Kafka. The file guards against mistakes; against malice, Kafka's own
lists of who may write what do.
"""

import json
import sys
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.errors import SettingsError, UsageError
from app.output import note
from app.settings import Settings

CODE = "NOT_ALLOWED"
WITHOUT_ROLES = frozenset(
    {
        *("worker", "payments", "statistics", "group-bills"),
        *("settings", "codes", "custom-fields sources"),
    }
)
"""Commands for everyone who may run the program: its processes, and what shows nothing of a customer's settings."""
NO_ROLES = "note: ALVYS_SAGE_PEOPLE_FILE is not set: anyone may change this installation"


class Role(StrEnum):
    """The roles that may see and change the integration (C5)."""

    ADMIN = "Admin"
    PARTNER_ADMIN = "Partner Admin"
    SUPPORT = "Support"


class NotAllowedError(UsageError):
    """The person's role does not let him configure the integration."""


def may_change(settings: Settings, by: str) -> None:
    """Let a person with one of the roles through, and everyone where no roles are set up; a terminal is told that.

    Raises:
        NotAllowedError: He has another role, or none.
        SettingsError: The people file cannot be read; then nobody may.
    """
    if settings.people_file is None and sys.stderr.isatty() and not _Told.once:
        _Told.once = True
        note(NO_ROLES)
    may_see(settings, by)


def may_see(settings: Settings, by: str) -> None:
    """As `may_change`, for what only shows the integration's settings."""
    if settings.people_file is not None and (reason := _refusal(people_in(settings.people_file), by)) is not None:
        raise NotAllowedError(reason)


def refusal(people_file: Path | None, by: str) -> str | None:
    """Why a person may not have a command done; None: he may. A people file that cannot be read lets nobody."""
    if people_file is None:
        return None
    try:
        return _refusal(people_in(people_file), by)
    except SettingsError as error:
        return f"{CODE}: {error}"


def people_in(file: Path) -> dict[str, str]:
    """Roles by folded name.

    Raises:
        SettingsError: The file cannot be read, or has another shape.
    """
    where = f"ALVYS_SAGE_PEOPLE_FILE: {file}"
    try:
        read = TypeAdapter(dict[str, str]).validate_python(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError([f"{where}: {error.strerror}"]) from None
    except (ValidationError, ValueError):
        raise SettingsError([f'{where}: is not of the form {{"name": "role"}}, JSON in UTF-8']) from None
    return {_fold(name): role for name, role in read.items()}


def _refusal(people: dict[str, str], by: str) -> str | None:
    role = people.get(_fold(by))
    if role is not None and _fold(role) in {_fold(each) for each in Role}:
        return None
    has = "is not in the people file" if role is None else f"has the role {role!r}"
    return f"{CODE}: {by!r} {has}; {', '.join(Role)} may configure the integration. Ask an administrator."


def _fold(name: str) -> str:
    return " ".join(name.replace("-", " ").replace("_", " ").split()).casefold()


class _Told:
    once = False
