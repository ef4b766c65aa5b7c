"""Figures and how they are shown: medians of several runs, and ratios between figures of the same run.

A ratio holds on another machine where an absolute figure does not; so ratios are what docs/benchmarks.md quotes.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `ratio` is it against the first figure of the table, where that says something."""

    name: str
    value: float
    unit: str
    ratio: float | None = None


@dataclass(slots=True)
class Outcome:
    """What a bench found."""

    name: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: `runs` of it, `share` of the full number of documents."""

    runs: int = 5
    share: float = 1.0

    def of(self, full: int) -> int:
        """That share of a number, at least one."""
        return max(1, round(full * self.share))


TINY = Size(runs=1, share=0.02)
"""To see that a bench runs, not to measure."""


def middle(size: Size, measure: Callable[[], float]) -> float:
    """The median of the runs."""
    return median(measure() for _ in range(size.runs))


def seconds(work: Callable[[], object], clock: Callable[[], float] = perf_counter) -> float:
    """How long the work takes."""
    began = clock()
    work()
    return clock() - began


def show(outcomes: Sequence[Outcome]) -> None:
    """Tables for a person."""
    console = Console(highlight=False)
    for outcome in outcomes:
        table = Table(title=outcome.title, title_justify="left", title_style="bold")
        table.add_column("what")
        for column in ("figure", "unit", "ratio"):
            table.add_column(column, justify="left" if column == "unit" else "right")
        for figure in outcome.figures:
            ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
            table.add_row(figure.name, f"{figure.value:,.1f}", figure.unit, ratio)
        console.print()
        console.print(table)
        for note in outcome.notes:
            console.print(f"  {note}", markup=False)
