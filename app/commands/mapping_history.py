"""``alvys-sage mappings history``: who changed a setting, when, and from what to what."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from app.errors import CommandError
from app.mapping_access import NOBODY, By, settings_for_command
from app.mapping_history import History, differences, read_history
from app.output import Json, show_json, show_table
from app.roles import may_see
from domain.settings.keys import canonical


@dataclass(frozen=True, slots=True)
class _Changed:
    key: str
    at: str
    by: str | None
    before: object
    after: object

    def cells(self) -> tuple[str, ...]:
        return self.at, self.by or "another program", self.key, differences(self.before, self.after)

    def json(self) -> dict[str, object]:
        return {"key": self.key, "at": self.at, "by": self.by, "before": self.before, "after": self.after}


def show_history(
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="A setting, such as S1/connection; left out: all.")
    ] = None,
    *,
    subsidiary: Annotated[str | None, typer.Option("--subsidiary", help="Only this subsidiary.")] = None,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Who changed mappings and connections, when, and from what to what; the newest change first.

    A setting's last ten changes are kept, those of a cleared one for as long as the topic keeps tombstones.

    Exit code 1: of KEY nothing is known.
    """
    settings = settings_for_command()
    may_see(settings, by)
    history = asyncio.run(read_history(settings))
    wanted = None if key is None else canonical(key)
    found = [each for each in _newest_first(history) if wanted is None or canonical(each.key) == wanted]
    found = [each for each in found if subsidiary is None or each.key.startswith(f"{subsidiary}/")]
    if as_json:
        show_json([each.json() for each in found])
    else:
        show_table(("WHEN", "WHO", "KEY", "CHANGE"), [each.cells() for each in found])
    if wanted is not None and not found:
        raise CommandError(f"of {key} no change is known")


def _newest_first(history: History) -> list[_Changed]:
    # Times are whole seconds. The versions of a setting come oldest first, so ties have to be turned around as well.
    return sorted(_changes(history), key=lambda each: each.at)[::-1]


def _changes(history: History) -> Iterator[_Changed]:
    for versions in history.values():
        before: object = None
        for each in versions:
            after = None if each.former.value is None else json.loads(each.former.value)
            yield _Changed(each.key, each.former.at, each.former.by, before, after)
            before = after
