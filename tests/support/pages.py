"""The documentation as data: its pages, their fenced examples, and the blocks of them that code can write.

``python -m tests.support.pages`` writes every generated block anew; the tests in tests/docs compare.
"""

import ast
import re
import types
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.commands import codes
from app.connections.findings import ADVICE
from app.settings_table import describe_settings
from app.settings_table import markdown as settings_markdown
from domain.attributes import LOAD_REFERENCE, TRIP_REFERENCE, AttributeKind, AttributeName, kind_of
from domain.events import fields
from domain.events.daily_bill import FuelDayData, TollDayData
from domain.events.fuel import FuelData
from domain.events.invoice import InvoiceData
from domain.events.load_and_trip import Load, Trip, TripFacts
from domain.events.settlement import CarrierBillData, CarrierStatementData, DriverStatementData, IntercompanyBillData
from domain.events.toll import TollData
from domain.settings import values as setting_values
from domain.settings.custom_fields import FITS, TITLES, FieldType
from domain.settings.values import (
    AccountSetting,
    ConnectionSetting,
    CustomFieldSetting,
    DimensionSetting,
    DimensionValueSetting,
    IntercompanySetting,
    VendorSetting,
)
from tests.support import life_table

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Every page of ours."""
    named = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*named, *sorted((ROOT / "docs").rglob("*.md"))]


def fences(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: what stands behind the opening fence, and the text."""
    return [(found["info"].strip(), found["body"]) for found in _FENCE.finditer(page.read_text())]


def blocks(text: str) -> dict[str, str]:
    """The generated blocks of a page, by name."""
    return {found["name"]: found["body"] for found in _BLOCK.finditer(text)}


# Tests, by name and by requirement.


@lru_cache(maxsize=1)
def test_names() -> frozenset[str]:
    """The name of every test."""
    return frozenset(name for name, _ in _functions())


MARKS = {"requirements": "requirement", "features-settings": "feature", "features-behaviours": "feature"}
MARKS |= {"features-beyond": "feature"}
FEATURES = ROOT / "docs/features.md"
MOST_SHOWN = 3
OUT = "out: "


def feature_rows(block: str) -> str:
    """One table of docs/features.md: first columns as they stand there, tests as their markers say."""
    head, line, *rows = blocks(FEATURES.read_text())[block].splitlines()
    return "\n".join([head, line, *(_feature_row(row, _shown(MARKS[block])) for row in rows)])


def feature_names(block: str) -> list[str]:
    """What the rows of a table are about."""
    return [row.split("|")[1].strip() for row in blocks(FEATURES.read_text())[block].splitlines()[2:]]


def marked_names(mark: str) -> frozenset[str]:
    """What tests say they show."""
    return frozenset(_shown(mark))


def _feature_row(row: str, shown: dict[str, set[str]]) -> str:
    _, name, words, last, _ = (cell.strip() for cell in row.split("|"))
    tests = sorted(shown.get(name, ()))
    more = f" and {len(tests) - MOST_SHOWN} more" if len(tests) > MOST_SHOWN else ""
    cell = ", ".join(f"`{test}`" for test in tests[:MOST_SHOWN]) + more or (last if last.startswith(OUT) else "")
    return f"| {name} | {words} | {cell} |"


@lru_cache(maxsize=2)
def _shown(mark: str) -> dict[str, set[str]]:
    shown: dict[str, set[str]] = {}
    for name, marks in _functions():
        for each in marks.get(mark, ()):
            shown.setdefault(each, set()).add(name)
    return shown


def _functions() -> Iterator[tuple[str, dict[str, list[str]]]]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        whole = _of_module(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name, _marks([*whole, *node.decorator_list])


def _of_module(tree: ast.Module) -> list[ast.expr]:
    """The marks that a file gives all its tests."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            return node.value.elts if isinstance(node.value, ast.List) else [node.value]
    return []


def _marks(decorators: Iterable[ast.expr]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in decorators:
        name = ast.unparse(each.func) if isinstance(each, ast.Call) else ""
        if isinstance(each, ast.Call) and (mark := name.removeprefix("pytest.mark.")) in MARKS.values():
            found.setdefault(mark, []).extend(str(ast.literal_eval(argument)) for argument in each.args)
    return found


def finding_rows() -> str:
    """What a check of a connection can find, and the wizard step that mends it."""
    lines = ["| finding | severity | wizard step |", "|---|---|---|"]
    for problem, advice in ADVICE.items():
        lines.append(f"| `{problem}` | {advice.severity} | {int(advice.step)} {advice.step.title} |")
    return "\n".join(lines)


# Fields of the wire's models.

WORDS: dict[object, str] = {
    fields.to_amount: "amount",
    fields.to_instant: "time",
    fields.to_date: "date",
    fields.to_number: "text or integer",
    fields.to_currency_number: "ISO 4217 number or null",
    setting_values._to_activation: "time",
    fields.to_days: "days, 0 to 3650",
    fields.to_loose_text: "text; left out if it is none",
    fields.to_loose_texts: "list of texts; what is none is left out",
    fields.to_fact_text: "text or number",
}


def field_rows(model: type[BaseModel]) -> str:
    """Every field that is read, each with its path, whether it must be there, and its type."""
    lines = ["| field | required | type |", "|---|---|---|"]
    lines += [f"| `{path}` | {'yes' if must else ''} | {kind} |" for path, must, kind in _fields(model, "")]
    return "\n".join(lines)


SHARED: dict[type[BaseModel], str] = {Load: "loads", Trip: "trips"}
"""Models that several events hold, told once: see `event-load` and `event-trip`."""


def _fields(model: type[BaseModel], before: str) -> Iterator[tuple[str, bool, str]]:
    inherited = set(TripFacts.model_fields) - {"load_number"} if before and issubclass(model, TripFacts) else set()
    if inherited:
        yield f"{before}…", False, "what a [trip](#loads-and-trips) has besides"
    for name, info in model.model_fields.items():
        if name in inherited:
            continue
        path = before + (info.alias or name)
        inner, many = _model_of(info.annotation)
        if inner is None or inner is fields.Money:
            yield path, info.is_required(), "money" if inner else _word(info)
        elif inner in SHARED:
            yield path, info.is_required(), f"list of [{SHARED[inner]}](#loads-and-trips)"
        else:
            yield path, info.is_required(), "list" if many else "object"
            yield from _fields(inner, path + ("[]." if many else "."))


def _model_of(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) in {Union, types.UnionType, Annotated}:
        return next((found for part in get_args(annotation) if (found := _model_of(part))[0]), (None, False))
    if get_origin(annotation) is list:
        return _model_of(get_args(annotation)[0])[0], True
    return None, False


def _word(info: FieldInfo) -> str:
    parts = [*_parts(info.annotation), *info.metadata]
    return (next((word for part in parts if (word := _named(part))), None) or _plain(parts)) + _default(info)


def _named(part: object) -> str | None:
    if get_origin(part) is Literal:
        return _one_of(get_args(part))
    if isinstance(part, type) and issubclass(part, StrEnum):
        return _one_of(part)
    return WORDS.get(getattr(part, "func", None))


def _one_of(values: Iterable[object]) -> str:
    return " or ".join(f"`{value}`" for value in values)


def _plain(parts: list[object]) -> str:
    if bool in parts:
        return "true or false"
    return "text, not empty" if any("min_length=1" in repr(part) for part in parts) else "text"


def _default(info: FieldInfo) -> str:
    if info.is_required() or info.default in (None, ()):
        return ""
    return f", default `{str(info.default).lower() if isinstance(info.default, bool) else info.default}`"


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def source_rows() -> str:
    """Every source of a custom field, with what its values are and the field types that take it."""
    lines = ["| `source` | is | goes into |", "|---|---|---|"]
    for name in (*AttributeName, f"{LOAD_REFERENCE}NAME", f"{TRIP_REFERENCE}NAME"):
        kind = kind_of(name) or AttributeKind.ANY
        lines.append(f"| `{name}` | {kind} | {', '.join(TITLES[each] for each in FieldType if each in FITS[kind])} |")
    return "\n".join(lines)


GENERATORS: dict[str, Callable[[], str]] = {
    "settings": lambda: settings_markdown(describe_settings()),
    **{block: partial(feature_rows, block) for block in MARKS},
    "findings": finding_rows,
    "event-invoice": lambda: field_rows(InvoiceData),
    "event-driver-statement": lambda: field_rows(DriverStatementData),
    "event-carrier-statement": lambda: field_rows(CarrierStatementData),
    "event-carrier-bill": lambda: field_rows(CarrierBillData),
    "event-intercompany-bill": lambda: field_rows(IntercompanyBillData),
    "event-fuel": lambda: field_rows(FuelData),
    "event-fuel-day": lambda: field_rows(FuelDayData),
    "event-toll-day": lambda: field_rows(TollDayData),
    "event-toll": lambda: field_rows(TollData),
    "setting-connection": lambda: field_rows(ConnectionSetting),
    "setting-account": lambda: field_rows(AccountSetting),
    "setting-vendor": lambda: field_rows(VendorSetting),
    "setting-intercompany": lambda: field_rows(IntercompanySetting),
    "setting-dimension": lambda: field_rows(DimensionSetting),
    "setting-dimension-value": lambda: field_rows(DimensionValueSetting),
    "setting-custom-field": lambda: field_rows(CustomFieldSetting),
    "custom-field-sources": source_rows,
    "lifecycle": life_table.table,
    "event-load": lambda: field_rows(Load),
    "event-trip": lambda: field_rows(Trip),
}
"""The text of each generated block."""


def written(text: str) -> str:
    """A page with every generated block anew."""
    return _BLOCK.sub(lambda found: found[1] + GENERATORS[found["name"]]() + "\n" + found[4], text)


def main() -> None:
    """Write every generated block, and docs/codes.md."""
    for page in pages():
        page.write_text(written(page.read_text()))
    (ROOT / "docs/codes.md").write_text(codes.markdown() + "\n")


if __name__ == "__main__":
    main()
