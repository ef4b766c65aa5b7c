"""Figures and how they are shown: medians of several runs, and ratios between figures of the same run.

A ratio holds on another machine where an absolute figure does not; so ratios are what docs/benchmarks.md quotes.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from ops.broker import Broker, BrokerError, MockKafka, find_broker

RUNS = 5
"""Runs of which the median counts."""
WIDTH = 110
"""Columns where there is no terminal to ask."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `ratio` is it against the first figure of the table, where that says something."""

    name: str
    value: float
    unit: str
    ratio: float | None = None


@dataclass(slots=True)
class BenchResult:
    """What a bench found."""

    name: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str) -> None:
        """Add a figure, with its ratio to the first."""
        first = self.figures[0].value if self.figures else value
        self.figures.append(Figure(name, value, unit, value / first))

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: `runs` of it, `share` of the full number of documents."""

    runs: int = RUNS
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


def real_broker() -> Broker:
    """A broker to measure on; whoever gets it closes it.

    Raises:
        BrokerError: There is none but the mock cluster, whose figures would say nothing.
    """
    broker = find_broker("demo")
    if isinstance(broker, MockKafka):
        broker.close()
        raise BrokerError("only a mock cluster is to be had here, and its figures say nothing about Apache Kafka")
    return broker


def show(outcomes: Sequence[BenchResult]) -> None:
    """Tables for a person."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    for outcome in outcomes:
        table = Table()
        table.add_column("what")
        for column in ("figure", "unit", "ratio"):
            table.add_column(column, justify="left" if column == "unit" else "right")
        for figure in outcome.figures:
            ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
            table.add_row(figure.name, f"{figure.value:,.1f}", figure.unit, ratio)
        console.print(f"\n{outcome.title}", style="bold", markup=False)
        console.print(table)
        for note in outcome.notes:
            console.print(f"  {note}", markup=False)
