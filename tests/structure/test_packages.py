"""Every package of the service is in the wheel, in the image and under the import contracts."""

import tomllib

from tests.support.pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_the_image_is_built_from_every_package():
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    assert set(PACKAGES) <= kept


def test_the_import_contracts_know_every_package():
    assert PROJECT["tool"]["importlinter"]["root_packages"] == PACKAGES
