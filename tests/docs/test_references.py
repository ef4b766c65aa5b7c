"""What the pages point at exists: links, files, names in files, tests, commands and their options."""

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support import prefork
from tests.support.pages import ROOT, pages
from tests.support.pages import test_names as names_of_tests

FOLDERS = "app|bench|chaos|consumers|demo|docs|domain|kafka_client|ops|producers|sage_client|simulator|tests"
NAMES = names_of_tests()
PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))


@PAGES
def test_every_relative_link_resolves(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), target
        assert aim.is_relative_to(ROOT), target
        if anchor:
            assert anchor in _anchors(aim), target


@PAGES
def test_every_file_and_every_name_in_it_exists(page: Path):
    for path, name in re.findall(rf"`((?:{FOLDERS})/[\w./-]*)(?:::([\w.]+))?`", page.read_text()):
        assert (ROOT / path).exists(), path
        if name:
            assert name in _names(ROOT / path), f"{path}::{name}"


@PAGES
def test_every_test_that_is_named_exists(page: Path):
    assert set(re.findall(r"`(test_\w+)`", page.read_text())) - NAMES == set()


def test_every_command_line_is_one_of_ours():
    unknown = {line: wrong for page in pages() for line in _lines(page) if (wrong := _wrong(line))}
    assert unknown == {}


def test_a_command_line_that_is_not_ours_would_be_found():
    assert _wrong("alvys-sage mappings expound X")
    assert _wrong("alvys-sage topics --make")
    assert not _wrong("alvys-sage mappings clear acme ar Load")


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@cache
def _names(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        name = getattr(node, "name", None)
        if name is None:
            continue
        found |= {name, *(f"{name}.{inner.name}" for inner in getattr(node, "body", []) if hasattr(inner, "name"))}
    return frozenset(found)


def _lines(page: Path) -> set[str]:
    text = page.read_text()
    spans = re.findall(r"`(alvys-sage(?: [^`\n]*)?)`", text)
    shell = re.findall(r"^(?:\$ )?(alvys-sage(?: .*)?)$", text, re.MULTILINE)
    return {line for line in (*spans, *shell) if not line.startswith("alvys-sage-")}


def _wrong(line: str) -> list[str]:
    """What of a command line its help does not know."""
    words = re.findall(r"--[a-z-]+|[^\s\[\]\\|]+", line.partition("#")[0])[1:]
    command = [word for word in words[:2] if re.fullmatch(r"[a-z][a-z-]*", word)]
    if command[:1] not in (
        ["mappings"],
        ["ledger"],
        ["dead-letters"],
        ["dimensions"],
        ["custom-fields"],
        ["connections"],
    ):
        command = command[:1]
    helped = _help(*command)
    if not helped.startswith(f"Usage: {' '.join(['alvys-sage', *command])} "):
        return command
    known = {*re.findall(r"--[a-z-]+", helped), *re.findall(r"--[a-z-]+", _help())}
    return [word for word in words if word.startswith("--") and word not in known]


@cache
def _help(*command: str) -> str:
    return prefork.run(["app"], [*command, "--help"], os.environ, timeout=60).stdout.strip()
