"""Roles: Admin, Partner Admin and Support may configure the integration (requirement 34); others are refused.

The acting person is named by ``--by`` or USER, and for a command on `export-commands` by its field ``by``. A JSON file
maps names to roles and is read anew each time. Without the file there are no roles and everyone is allowed, because
whoever can run these commands has the installation's access to Kafka anyway. The file protects against mistakes.
Against malice, use Kafka's access control lists.
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
        *("worker", "payments", "statistics", "consolidate-bills"),
        *("settings", "codes", "custom-fields sources"),
    }
)
"""Commands that need no role: the long-running processes, and commands that show none of a customer's settings."""
NO_ROLES = "note: ALVYS_SAGE_ROLES_FILE is not set: anyone may change this installation"


class Role(StrEnum):
    """The roles that may see and change the integration, as the article "Prerequisites" names them."""

    ADMIN = "Admin"
    PARTNER_ADMIN = "Partner Admin"
    SUPPORT = "Support"


class NotAllowedError(UsageError):
    """The person's role does not allow configuring the integration."""


def may_change(settings: Settings, by: str) -> None:
    """Check that a person may change the integration. If no roles are set up, everyone may; a terminal shows a note.

    Raises:
        NotAllowedError: The person has another role, or none.
        SettingsError: The roles file cannot be read; then nobody is allowed.
    """
    if settings.roles_file is None and sys.stderr.isatty() and not _Told.once:
        _Told.once = True
        note(NO_ROLES)
    may_see(settings, by)


def may_see(settings: Settings, by: str) -> None:
    """Check that a person may see the integration's settings; errors as for `may_change`."""
    if settings.roles_file is not None and (reason := _refusal(roles_in(settings.roles_file), by)) is not None:
        raise NotAllowedError(reason)


def refusal(roles_file: Path | None, by: str) -> str | None:
    """The reason why a person may not give a command; None: the person may.

    If the roles file cannot be read, nobody may.
    """
    if roles_file is None:
        return None
    try:
        return _refusal(roles_in(roles_file), by)
    except SettingsError as error:
        return f"{CODE}: {error}"


def roles_in(file: Path) -> dict[str, str]:
    """Read the roles file: roles by normalised name.

    Raises:
        SettingsError: The file cannot be read, or has another shape.
    """
    where = f"ALVYS_SAGE_ROLES_FILE: {file}"
    try:
        read = TypeAdapter(dict[str, str]).validate_python(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError([f"{where}: {error.strerror}"]) from None
    except (ValidationError, ValueError):
        raise SettingsError([f'{where}: is not of the form {{"name": "role"}}, JSON in UTF-8']) from None
    return {_fold(name): role for name, role in read.items()}


def _refusal(roles: dict[str, str], by: str) -> str | None:
    role = roles.get(_fold(by))
    if role is not None and _fold(role) in {_fold(each) for each in Role}:
        return None
    has = "is not in the roles file" if role is None else f"has the role {role!r}"
    return f"{CODE}: {by!r} {has}; {', '.join(Role)} may configure the integration. Ask an administrator."


def _fold(name: str) -> str:
    return " ".join(name.replace("-", " ").replace("_", " ").split()).casefold()


class _Told:
    once = False
