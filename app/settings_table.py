"""The settings as a table for ``alvys-sage settings`` and docs/contract.md, generated so that it is never outdated."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.credentials import VARIABLE as CREDENTIALS_VARIABLE
from app.former_settings import FORMER_SETTINGS
from app.settings import BROKERS_VARIABLE, Settings
from app.variables import PREFIX, variable


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One row of the table. `value` is None if the table is made without an environment."""

    variable: str
    type: str
    default: str
    description: str
    value: str | None = None


def describe_settings(settings: Settings | None = None) -> list[SettingRow]:
    """List every setting in the order of `Settings`. The value of a secret is shown as ``set`` or ``not set``.

    Args:
        settings: The settings whose values to show; None: no values.
    """
    return [
        SettingRow(
            variable=_variable(name),
            type=_type(field),
            default=_shown(field.get_default(call_default_factory=True), secret=_is_secret(field)),
            description=field.description or "",
            value=None if settings is None else _shown(getattr(settings, name), secret=_is_secret(field)),
        )
        for name, field in Settings.model_fields.items()
    ]


def unknown_variables() -> list[str]:
    """List environment variables with our prefix that no setting has: most likely spelling mistakes."""
    known = {_variable(name) for name in Settings.model_fields} | {variable("kafka_bootstrap_servers")}
    known |= set(map(variable, FORMER_SETTINGS))
    ours = (name for name in sorted(os.environ) if name.upper().startswith(PREFIX))
    return [name for name in ours if name.upper() not in known and not CREDENTIALS_VARIABLE.fullmatch(name)]


def _variable(field: str) -> str:
    # The brokers' variable has the name that Kafka tools share. The prefixed name is accepted too and has precedence.
    return BROKERS_VARIABLE if field == "kafka_bootstrap_servers" else variable(field)


def _kinds(annotation: object) -> Iterator[object]:
    """List an annotation and all its type arguments, recursively."""
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in _kinds(field.annotation)


def _type(field: FieldInfo) -> str:
    kinds = list(_kinds(field.annotation))
    for kind in kinds:
        if get_origin(kind) is Literal:
            return " | ".join(map(str, get_args(kind)))
    names = {SecretStr: "secret", int: "integer", bool: "true | false", Path: "path", dict: "table of secrets"}
    return next((names[kind] for kind in [*kinds, *map(get_origin, kinds)] if kind in names), "text")


def _shown(value: object, *, secret: bool) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: set" for name in sorted(value)) or "not set"
    if secret:
        return "not set" if value is None else "set"
    if value is None or value == "":
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def markdown(rows: list[SettingRow]) -> str:
    """The table for docs/contract.md."""
    formerly = {variable(present): variable(former) for former, present in FORMER_SETTINGS.items()}
    lines = ["| variable | type | default | meaning |", "|---|---|---|---|"]
    for row in rows:
        former = formerly.get(row.variable)
        named = f"`{row.variable}`" + (f" (formerly `{former}`)" if former else "")
        cells = (named, row.type, f"`{row.default}`", row.description)
        lines.append("| " + " | ".join(re.sub(r"\|", r"\|", cell) for cell in cells) + " |")
    return "\n".join(lines)
