"""Output of commands: a table on a terminal, tab-separated lines in a pipe, JSON with ``--json``.

Colours are used only on a terminal. Notes and errors go to standard error, so that a pipe gets only data.

All output to a person's terminal goes through this module (a test checks that). Keys, names and Sage's words come from
outside: their unprintable characters (escape sequences, line breaks, marks that change the direction of writing) are
shown escaped, and nothing in them is treated as markup.
"""

import json
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from domain.text import printable

WIDEST = 10_000
"""Width in columns that no table of ours reaches."""

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def show_json(value: object) -> None:
    """Print a value as JSON; keys keep their order."""
    show_json_line(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_json_line(text: str) -> None:
    """Print a JSON text. Invisible characters are escaped so that the text is still the same JSON value."""
    print(_UNSEEN.sub(_as_json_escape, text))  # noqa: T201 - the command's answer


_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Characters that JSON allows, and that a terminal interprets or nobody can see."""


def _as_json_escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def show_line(text: str) -> None:
    """Print one line of the answer."""
    print(printable(text))  # noqa: T201 - the command's answer


def show_text(text: str) -> None:
    """Print lines of our own words."""
    for line in text.splitlines():
        show_line(line)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, whole: bool = False) -> None:
    """Print rows: a drawn table for a person, a header and tab-separated lines for a program.

    Args:
        columns: The titles.
        rows: The cells of each row.
        whole: Never break a cell to fit the terminal, so that a person can copy keys.
    """
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print("\t".join(map(printable, row)))  # noqa: T201 - the command's answer; its tabs are ours
        return
    # Cells that do not fit are broken over several lines, never cut: an id without its end is useless.
    folded = [Column(name, overflow="fold") for name in columns]
    table = Table(*folded, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console(highlight=False, width=WIDEST if whole else None).print(table)


def note(text: str) -> None:
    """Print a note to the person on standard error, beside the answer."""
    print(printable(text), file=sys.stderr)  # noqa: T201 - a person reads it
