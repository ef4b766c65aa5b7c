"""What the person sees while it works: a moving bar on a terminal, plain lines in a file or a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

WIDTH = 140
"""Columns where there is no terminal to ask."""


class Screen:
    """Standard output, for a person. Every line of a step begins with the seconds since the start."""

    def __init__(self, *, quiet: bool = False) -> None:
        console = Console(highlight=False, quiet=quiet)
        self.console = console if console.is_terminal else Console(highlight=False, quiet=quiet, width=WIDTH)
        self._began = monotonic()

    def say(self, text: str) -> None:
        """One line about what happens now."""
        self.console.print(f"[{monotonic() - self._began:5.1f} s] {text}", markup=False)

    def plain(self, text: str = "") -> None:
        """A line as it is."""
        self.console.print(text, markup=False, soft_wrap=True)

    def table(self, title: str, columns: list[str], rows: list[list[str]], *, right: frozenset[str]) -> None:
        """A table; the columns in `right` hold numbers."""
        table = Table(title=title, title_justify="left", title_style="bold")
        for column in columns:
            table.add_column(column, justify="right" if column in right else "left")
        for row in rows:
            table.add_row(*(cell.replace("[", r"\[") for cell in row))
        self.console.print()
        self.console.print(table)

    @contextmanager
    def counting(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show how far something is; the caller tells how much is done."""
        if not self.console.is_terminal:
            self.say(f"{text} …")
            yield lambda _done: None
            self.say(f"{text}: {total} of {total}")
            return
        columns = (TextColumn("          {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(text, total=total)
            yield lambda done: progress.update(task, completed=done)
        self.say(f"{text}: {total} of {total}")
