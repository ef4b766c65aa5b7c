"""``alvys-sage settings``: list all settings with their present values."""

from dataclasses import asdict
from typing import Annotated

import typer

from app.former_settings import deprecations
from app.output import Json, note, show_json, show_table, show_text
from app.settings import Settings
from app.settings_table import describe_settings, markdown, unknown_variables


def settings(
    *,
    as_json: Json = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Without values, for the documentation.")] = False,
) -> None:
    """Every setting: its environment variable, value, default, type and meaning. Secrets show as `set` or `not set`."""
    if as_markdown:
        show_text(markdown(describe_settings()))
        return
    rows = describe_settings(Settings.load())
    if as_json:
        show_json([asdict(row) for row in rows])
    else:
        columns = ("VARIABLE", "VALUE", "DEFAULT", "TYPE", "MEANING")
        show_table(columns, [(r.variable, r.value or "", r.default, r.type, r.description) for r in rows])
    for deprecation in deprecations():
        note(f"note: {deprecation}")
    for name in unknown_variables():
        note(f"note: {name} is set and is no setting of this program")
