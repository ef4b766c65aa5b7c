"""What a command answers: a table on a terminal, tab-separated lines in a pipe, JSON with ``--json``.

Nothing here colours what is not a terminal. Notes and errors go to standard error, so that a pipe gets data alone.
"""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

WIDEST = 10_000
"""Columns; wider than any table of ours."""

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def show_json(value: object) -> None:
    """Print a value as JSON; keys keep their order."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))  # noqa: T201 - the command's answer


def show_line(text: str) -> None:
    """Print one line of the answer."""
    print(text)  # noqa: T201 - the command's answer


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, whole: bool = False) -> None:
    """Print rows: a drawn table for a person, a header and tab-separated lines for a program.

    `whole`: no cell is cut or broken to fit the terminal, for keys that a person copies.
    """
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            show_line("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    # Where there is no room, cells are broken over lines and never cut: an id without its end is none.
    folded = [Column(name, overflow="fold") for name in columns]
    table = Table(*folded, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        # A text, not markup: an item called "[Fuel]" is shown as it is.
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    Console(highlight=False, width=WIDEST if whole else None).print(table)


def note(text: str) -> None:
    """Tell the person something beside the answer."""
    print(text, file=sys.stderr)  # noqa: T201 - a person reads it
