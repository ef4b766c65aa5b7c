"""What code can write about itself stands in the pages as code writes it. `python -m tests.support.pages` renews it."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from app.commands import codes
from domain.settings.values import ConnectionSetting
from tests.support import life_table
from tests.support.pages import GENERATORS, MARKS, OUT, ROOT, blocks, feature_names, feature_rows, marked_names, pages

SET_UP = {"companyId", "entityId", "credentials", "state", "activatedAt", "baseCurrency", "locationId"}
"""What makes the connection; the requirements on connections are about these."""
FOUND = {name: body for page in pages() for name, body in blocks(page.read_text()).items()}


def test_every_generated_block_stands_somewhere():
    assert FOUND.keys() == GENERATORS.keys()


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generated_block_is_what_the_code_says(name: str):
    assert FOUND[name] == GENERATORS[name]() + "\n"


def test_the_table_of_a_documents_life_has_every_state_and_event():
    assert life_table.missing() == set()


def test_the_page_of_codes_is_what_the_command_prints():
    assert (ROOT / "docs/codes.md").read_text() == codes.markdown() + "\n"


@pytest.mark.parametrize("block", MARKS)
def test_every_feature_is_shown_by_a_test_or_says_why_it_is_out(block: str):
    assert [row for row in feature_rows(block).splitlines()[2:] if "| `" not in row and f"| {OUT}" not in row] == []


def test_every_requirement_of_the_articles_is_there():
    assert feature_names("requirements") == [str(number) for number in range(1, 86)]


def test_every_setting_of_a_connection_is_a_feature():
    assert set(feature_names("features-settings")) == set(_settings(ConnectionSetting, "")) - SET_UP


@pytest.mark.parametrize("mark", sorted(set(MARKS.values())))
def test_every_feature_that_a_test_names_is_one(mark: str):
    names = {name for block, of in MARKS.items() if of == mark for name in feature_names(block)}
    assert marked_names(mark) - names == set()


def _settings(model: type[BaseModel], before: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        path = before + (info.alias or name)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _settings(info.annotation, f"{path}.")
        else:
            yield path
