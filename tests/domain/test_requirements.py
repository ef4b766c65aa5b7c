"""Requirements 52 to 77 (how a GL account is chosen, and the nine categories) each have a test that names them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from domain.codes import EXPLANATIONS, Code

FOLDER = Path(__file__).parent
OURS = set(range(52, 78))


def named(path: Path) -> Iterator[int]:
    """The numbers in every `@pytest.mark.requirement(...)` of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.requirement":
            yield from (ast.literal_eval(argument) for argument in node.args)


def test_every_requirement_from_52_to_77_has_a_test_that_names_it():
    found = {number for path in FOLDER.glob("test_*.py") for number in named(path)}
    assert OURS - found == set()


def test_every_code_has_a_cause_and_a_fix():
    assert set(EXPLANATIONS) == set(Code)
