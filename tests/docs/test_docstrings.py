"""Constructors say what they take, and a docstring never names an argument that does not exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "consumers", "domain", "kafka_client", "producers", "sage_client", "simulator")
FEW = 2
"""A constructor of so many arguments may leave them to its class's summary."""
ARGUMENT = re.compile(r"^ {4}\*{0,2}(\w+):", re.MULTILINE)


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                yield path, node


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The names of a function's parameters, without `self` and `cls`."""
    given = function.args
    named = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    more = [each.arg for each in (given.vararg, given.kwarg) if each is not None]
    return [name for name in named if name not in {"self", "cls"}] + more


def documented(docstring: str | None) -> list[str]:
    """The names in the section ``Args`` of a docstring, in their order."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", docstring or "", re.MULTILINE | re.DOTALL)
    return ARGUMENT.findall(section[1]) if section else []


def constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    found = (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
    return next(found, None)


def wrong_constructors(tree: Iterator[tuple[Path, ast.AST]]) -> list[str]:
    """The public classes whose docstring does not document every argument of a constructor of more than `FEW`."""
    found = []
    for path, node in tree:
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_") or (made := constructor(node)) is None:
            continue
        takes = parameters(made)
        told = documented(ast.get_docstring(node)) or documented(ast.get_docstring(made))
        if len(takes) > FEW and told != takes:
            found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: takes {takes}, documents {told}")
    return found


def wrong_names(tree: Iterator[tuple[Path, ast.AST]]) -> list[str]:
    """The functions whose section ``Args`` names a parameter that they do not have."""
    found = []
    for path, node in tree:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            strange = set(documented(ast.get_docstring(node))) - set(parameters(node))
            if strange:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {sorted(strange)}")
    return found


def test_every_constructor_documents_its_arguments():
    assert wrong_constructors(nodes()) == []


def test_no_docstring_names_an_argument_that_does_not_exist():
    assert wrong_names(nodes()) == []


def test_every_package_says_what_it_holds():
    silent = [
        path.parent
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_a_constructor_with_another_name_is_found():
    text = '''
class Lane:
    """A queue.

    Args:
        knobs: The configuration.
        time: The clock.
        company: The company.
    """

    def __init__(self, config, time, company): ...

    def send(self, work):
        """Send.

        Args:
            knob: Another one.
        """
'''
    tree = [(ROOT / "lane.py", node) for node in ast.walk(ast.parse(text))]
    assert len(wrong_constructors(iter(tree))) == 1
    assert wrong_names(iter(tree)) == ["lane.py:13 send: ['knob']"]
    mended = text.replace("knobs:", "config:").replace("knob:", "work:")
    tree = [(ROOT / "lane.py", node) for node in ast.walk(ast.parse(mended))]
    assert wrong_constructors(iter(tree)) == wrong_names(iter(tree)) == []
