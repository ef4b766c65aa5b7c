"""Sage Intacct users and passwords by name, from the environment or from a JSON file.

A connection in mapping-state names its credentials and never contains them. Names are compared without case, and each
run of characters other than letters and digits counts as one underscore. So the name ``acme-freight`` finds
``ALVYS_SAGE_CREDENTIALS__ACME_FREIGHT__PASSWORD``.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from app.errors import SettingsError

VARIABLE = re.compile(r"ALVYS_SAGE_CREDENTIALS__(?P<name>.+)__(?P<part>USER|PASSWORD)", re.IGNORECASE)


class Credentials(BaseModel):
    """One Web Services user of one Sage Intacct company."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    user: str = Field(min_length=1)
    password: SecretStr = Field(min_length=1)


def canonical(name: str) -> str:
    """Normalise a credentials name for storing and look-up."""
    return re.sub(r"[\W_]+", "_", name.strip().casefold())


def variables(name: str) -> tuple[str, str]:
    """The environment variables that hold the user and the password of a credentials name."""
    stem = f"ALVYS_SAGE_CREDENTIALS__{canonical(name).upper()}"
    return f"{stem}__USER", f"{stem}__PASSWORD"


class CredentialsSource(PydanticBaseSettingsSource):
    """Settings source that reads the credentials variables as plain text, never as numbers or JSON."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - pydantic's
        """Return nothing: `__call__` provides the whole field."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The ``credentials`` field, or nothing when no variable of it is set."""
        found: dict[str, dict[str, str]] = {}
        for name, value in os.environ.items():
            if value and (match := VARIABLE.fullmatch(name)):
                found.setdefault(canonical(match["name"]), {})[match["part"].lower()] = value
        return {"credentials": found} if found else {}


def read_file(path: Path) -> dict[str, Credentials]:
    """Read a credentials file, by canonical name. Callers read it at each look-up, so a new password needs no restart.

    Raises:
        SettingsError: The file cannot be read or has another shape. The error text contains nothing of its content.
    """
    where = f"ALVYS_SAGE_CREDENTIALS_FILE: {path}"
    try:
        read = TypeAdapter(dict[str, Credentials]).validate_python(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError([f"{where}: {error.strerror}"]) from None
    except ValidationError as error:
        wrong = [(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors(include_input=False, include_url=False)]
        raise SettingsError([f"{where}: {name or 'the whole'}: {message}" for name, message in wrong]) from None
    except ValueError:
        raise SettingsError([f"{where}: not JSON in UTF-8"]) from None
    return {canonical(name): value for name, value in read.items()}
