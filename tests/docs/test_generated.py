"""What code can write about itself stands in the pages as code writes it. `python -m tests.support.pages` renews it."""

import pytest

from app.commands import codes
from tests.support.pages import GENERATORS, REQUIREMENTS, ROOT, blocks, pages, requirement_rows, requirement_words

FOUND = {name: body for page in pages() for name, body in blocks(page.read_text()).items()}


def test_every_generated_block_stands_somewhere():
    assert FOUND.keys() == GENERATORS.keys()


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generated_block_is_what_the_code_says(name: str):
    assert FOUND[name] == GENERATORS[name]() + "\n"


def test_the_page_of_codes_is_what_the_command_prints():
    assert (ROOT / "docs/codes.md").read_text() == codes.markdown() + "\n"


def test_the_requirements_52_to_77_are_all_there_and_each_is_shown_by_a_test():
    assert sorted(requirement_words()) == list(REQUIREMENTS)
    assert [row for row in requirement_rows().splitlines() if "| `" not in row][2:] == []
