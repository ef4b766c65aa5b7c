"""Tests share what is in `tests/support`, and nothing else: a test module can change or go, and no other one breaks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports(source: str, path: Path) -> Iterator[str]:
    """The full name of everything that a module imports; `path`: where the module is, from the root."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.parts[: -node.level] if node.level else ()
            parts = (*above, *([node.module] if node.module else []))
            yield from (".".join((*parts, each.name)) for each in node.names)


def of_tests(source: str, path: Path) -> list[str]:
    """The imports of a module that reach into `tests`, and not into `tests/support`."""
    names = [name.split(".") for name in imports(source, path)]
    return [".".join(name) for name in names if name[0] == "tests" and name[1:2] != ["support"]]


def test_nothing_is_imported_of_tests_but_what_is_in_their_support():
    paths = [path.relative_to(ROOT) for path in sorted(ROOT.glob("[!.]*/**/*.py"))]
    found = {str(path): of_tests((ROOT / path).read_text(), path) for path in paths}
    assert len(found) > 100
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("path", "source", "names"),
    [
        ("tests/export/test_a.py", "from tests.export.test_b import until", ["tests.export.test_b.until"]),
        ("tests/export/test_a.py", "from tests.export import test_b", ["tests.export.test_b"]),
        ("tests/export/test_a.py", "import tests.export.test_b as b", ["tests.export.test_b"]),
        ("tests/export/test_a.py", "from .conftest import world", ["tests.export.conftest.world"]),
        ("tests/export/test_a.py", "def use():\n    from ..app import conftest", ["tests.app.conftest"]),
        ("tests/support/a.py", "from tests.simulator.client import Client", ["tests.simulator.client.Client"]),
        ("tests/support/kafka/a.py", "from . import b\nfrom ..world import World\nimport testsuite", []),
    ],
)
def test_an_import_of_a_test_module_is_found_however_it_is_written(path: str, source: str, names: list[str]):
    assert of_tests(source, Path(path)) == names
