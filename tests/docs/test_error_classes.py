"""The catalogue of errors is whole: no code that nothing produces, no class that accountants know without a code."""

import ast
from pathlib import Path

import pytest

from domain.codes import Code
from domain.error_classes import CLASSES
from tests.support.pages import ROOT

LAYERS = ("domain", "sage_client", "producers", "consumers", "app")
TABLES = {"codes.py", "error_classes.py"}
NAMED_BY_ALVYS = {
    "connection not initialising",
    "customer or vendor not matched",
    "GL account not mapped",
    "dimension missing, inactive or not resolved",
    "required custom field or Smart Rule",
    "custom field too long",
    "payment term not valid",
    "cannot be changed because payments are applied",
    "posted document changed; manual reversal",
    "sync paused",
}
NAMED_BY_EXPENSIFY = {
    *("INT035", "INT771", "INT088", "INT073", "INT084", "INT459", "INT446", "INT149", "INT664", "INT043", "INT245"),
    *("INT176", "INT993", "INT012", "INT592", "INT860", "INT402"),
}


def used() -> set[str]:
    """The codes that the service's own lines name, but for the tables that explain them."""
    found = set()
    for path in (path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))):
        if path.parent == Path(ROOT / "domain") and path.name in TABLES:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code":
                found.add(node.attr)
    return found


def test_every_code_is_produced_somewhere():
    assert {code.name for code in Code} - used() == set()


@pytest.mark.feature("error classes")
def test_every_class_that_accountants_know_has_a_code():
    assert all(each.codes for each in CLASSES)
    assert {each.name for each in CLASSES if "Alvys" in each.known_as} >= NAMED_BY_ALVYS
    known = " ".join(each.known_as for each in CLASSES)
    assert {number for number in NAMED_BY_EXPENSIFY if number not in known} == set()


def test_every_code_says_what_to_do():
    for code in Code:
        assert code.explanation.cause.endswith("."), code
        assert code.explanation.fix.endswith("."), code
