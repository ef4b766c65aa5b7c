"""One name, one meaning: no name of a class or module occurs in two places, but for folders that mirror others.

A reader who finds a name by a search has found the one thing that it means. Each exception is listed with its reason.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from app.cli import EXPLAINED

ROOT = Path(__file__).parents[2]
SERVICE = ("app", "consumers", "producers", "domain", "sage_client", "kafka_client")
PROGRAMS: dict[str, tuple[str, ...]] = {
    "the service": SERVICE,
    "the simulator": ("simulator",),
    "the demonstration": ("demo",),
    "the chaos run": ("chaos",),
    "the benches": ("bench",),
    "the brokers of tests": ("ops",),
}
"""The folders of each program. Module names have to be unique within a program: its folder tells it from the others."""


class Mirror(NamedTuple):
    """Folders that may have the same names, and why."""

    folders: tuple[str, ...]
    reason: str


CLASS_MIRRORS = (
    Mirror(
        ("sage_client", "simulator"), "the two ends of Sage's protocol; the simulator shares no code with the service"
    ),
)
MODULE_MIRRORS = (
    Mirror(
        ("domain", "sage_client", "producers", "consumers"),
        "one subject seen from each side: its rules, its calls to Sage, its records, its topic",
    ),
    Mirror(("domain/events", "domain/translation"), "one module for each kind of event: its bytes, and its document"),
    Mirror(
        ("consumers/export", "consumers/payments", "consumers/statistics"),
        "three services of one shape: configuration, metrics, partition, worker",
    ),
    Mirror(("producers", "consumers/export/protocol"), "a result as it is decided, and as it is written"),
    Mirror(
        ("domain/translation", "consumers/export/protocol"), "the consolidated bill as an event, and in the protocol"
    ),
    Mirror(("app", "sage_client"), "errors.py: the error tree of each package"),
    Mirror(("app/commands", "app"), "a module for each command, named like the command; what it uses has that name"),
    Mirror(("app/commands", "domain"), "as above"),
    Mirror(("app/commands", "sage_client"), "as above"),
    Mirror(("app/commands", "producers"), "as above"),
    Mirror(("app/commands", "kafka_client"), "as above"),
    Mirror(("app/commands", "consumers/export"), "as above"),
    Mirror(("app/commands", "consumers/statistics"), "as above"),
    Mirror(("chaos", "chaos/payments"), "the same experiment for the export and for payments"),
)
UNNAMED = {"__init__.py", "__main__.py"}


def modules(folders: Iterable[str]) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@cache
def places_of_classes() -> dict[str, list[Path]]:
    """The modules that define each class, by the name of the class."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in modules(folder for folders in PROGRAMS.values() for folder in folders):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(path)
    return found


@cache
def places_of_modules(program: str) -> dict[str, list[Path]]:
    """The modules of a program by file name."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in modules(PROGRAMS[program]):
        if path.name not in UNNAMED:
            found[path.name].append(path)
    return found


def _lies_in(path: Path, folder: str, others: Iterable[str]) -> bool:
    """Whether a module belongs to `folder`, and not to a folder within it that is listed for itself."""
    if not path.is_relative_to(ROOT / folder):
        return False
    return not any(other.startswith(f"{folder}/") and path.is_relative_to(ROOT / other) for other in others)


def twice(places: Mapping[str, list[Path]], mirrors: Iterable[Mirror]) -> dict[str, list[str]]:
    """The names that occur in two places which no mirror explains."""
    listed = list(mirrors)
    every = {folder for mirror in listed for folder in mirror.folders}
    found: dict[str, list[str]] = {}
    for name, paths in places.items():
        rooms = [
            next((room for room in sorted(every, key=len, reverse=True) if _lies_in(path, room, every)), None)
            for path in paths
        ]
        pairs = [(a, b) for number, a in enumerate(rooms) for b in rooms[number + 1 :]]
        if not all(a != b and any({a, b} <= set(mirror.folders) for mirror in listed) for a, b in pairs):
            found[name] = [str(path.relative_to(ROOT)) for path in paths]
    return found


def test_a_class_name_means_one_thing():
    assert twice(places_of_classes(), CLASS_MIRRORS) == {}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_module_name_means_one_thing_within_its_program(program: str):
    assert twice(places_of_modules(program), MODULE_MIRRORS) == {}


def test_a_name_in_two_places_is_found():
    two = {"Plan": [ROOT / "app/replay/moves.py", ROOT / "domain/export.py"]}
    assert twice(two, CLASS_MIRRORS) == {"Plan": ["app/replay/moves.py", "domain/export.py"]}
    mirrored = {"Term": [ROOT / "simulator/seed.py", ROOT / "sage_client/client.py"]}
    assert twice(mirrored, CLASS_MIRRORS) == {}
    same_room = {"Term": [ROOT / "simulator/seed.py", ROOT / "simulator/store.py"]}
    assert twice(same_room, CLASS_MIRRORS) == {"Term": ["simulator/seed.py", "simulator/store.py"]}


@pytest.mark.parametrize("mirror", [*CLASS_MIRRORS, *MODULE_MIRRORS], ids=lambda mirror: " and ".join(mirror.folders))
def test_every_mirror_is_needed(mirror: Mirror):
    classes = tuple(each for each in CLASS_MIRRORS if each is not mirror)
    names = tuple(each for each in MODULE_MIRRORS if each is not mirror)
    unexplained = [twice(places_of_classes(), classes), *(twice(places_of_modules(each), names) for each in PROGRAMS)]
    assert any(unexplained), f"{mirror.folders} mirror each other no more: take the line out"


def test_the_command_line_explains_errors_that_exist():
    """They are listed by name, so a rename does not reach them."""
    assert EXPLAINED.keys() <= places_of_classes().keys()
