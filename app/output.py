"""What a command answers: a table on a terminal, tab-separated lines in a pipe, JSON with ``--json``.

Nothing here colours what is not a terminal. Notes and errors go to standard error, so that a pipe gets data alone.

This is the only door to a person's terminal (a test holds it). Keys, names and Sage's words come from outside: what is
not printable in them (escape sequences, line breaks, marks that turn the direction of writing) is shown as its escape,
and nothing of them is markup.
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

from domain.words import printable

WIDEST = 10_000
"""Columns; wider than any table of ours."""

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def show_json(value: object) -> None:
    """Print a value as JSON; keys keep their order."""
    show_json_line(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_json_line(text: str) -> None:
    """Print a JSON value, encoded already, so that it can be read back."""
    print(_UNSEEN.sub(_as_json_escape, text))  # noqa: T201 - the command's answer


_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What JSON lets through and a terminal acts on, or nobody sees."""


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

    `whole`: no cell is cut or broken to fit the terminal, for keys that a person copies.
    """
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print("\t".join(map(printable, row)))  # noqa: T201 - the command's answer; its tabs are ours
        return
    # Where there is no room, cells are broken over lines and never cut: an id without its end is none.
    folded = [Column(name, overflow="fold") for name in columns]
    table = Table(*folded, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console(highlight=False, width=WIDEST if whole else None).print(table)


def note(text: str) -> None:
    """Tell the person something beside the answer."""
    print(printable(text), file=sys.stderr)  # noqa: T201 - a person reads it
