"""The documentation as data: its pages, their fenced examples, and the blocks of them that code can write.

``python -m tests.support.pages`` writes every generated block anew; the tests in tests/docs compare.
"""

import ast
import re
import types
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.commands import codes
from app.connections.findings import ADVICE
from app.settings_table import describe_settings
from app.settings_table import markdown as settings_markdown
from domain import settings
from domain.events import fields
from domain.events.fuel import FuelData
from domain.events.invoice import InvoiceData
from domain.events.settlement import CarrierBillData, CarrierStatementData, DriverStatementData
from domain.events.toll import TollData
from domain.settings import AccountSetting, ConnectionSetting, VendorSetting

ROOT = Path(__file__).parents[2]
REQUIREMENTS = range(52, 78)
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


def requirement_rows() -> str:
    """The table of docs/requirements.md: number and words as they stand there, tests as their markers say."""
    shown: dict[int, set[str]] = {}
    for name, numbers in _functions():
        for number in numbers:
            shown.setdefault(number, set()).add(name)
    lines = ["| no. | requirement | shown by |", "|---|---|---|"]
    for number, words in sorted(requirement_words().items()):
        names = ", ".join(f"`{name}`" for name in sorted(shown.get(number, set())))
        lines.append(f"| {number} | {words} | {names} |")
    return "\n".join(lines)


def requirement_words() -> dict[int, str]:
    """Number and words of each row of docs/requirements.md."""
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", (ROOT / "docs/requirements.md").read_text(), re.MULTILINE)
    return {int(number): words for number, words in rows}


def _functions() -> Iterator[tuple[str, list[int]]]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name, [number for mark in node.decorator_list for number in _numbers(mark)]


def _numbers(mark: ast.expr) -> list[int]:
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement":
        return [ast.literal_eval(argument) for argument in mark.args]
    return []


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
    settings._to_activation: "time",
    fields.to_days: "days, 0 to 3650",
}


def field_rows(model: type[BaseModel]) -> str:
    """Every field that is read, each with its path, whether it must be there, and its type."""
    lines = ["| field | required | type |", "|---|---|---|"]
    lines += [f"| `{path}` | {'yes' if must else ''} | {kind} |" for path, must, kind in _fields(model, "")]
    return "\n".join(lines)


def _fields(model: type[BaseModel], before: str) -> Iterator[tuple[str, bool, str]]:
    for name, info in model.model_fields.items():
        path = before + (info.alias or name)
        inner, many = _model_of(info.annotation)
        if inner is None or inner is fields.Money:
            yield path, info.is_required(), "money" if inner else _word(info)
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
    if info.is_required() or info.default is None:
        return ""
    return f", default `{str(info.default).lower() if isinstance(info.default, bool) else info.default}`"


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


GENERATORS: dict[str, Callable[[], str]] = {
    "settings": lambda: settings_markdown(describe_settings()),
    "requirements": requirement_rows,
    "findings": finding_rows,
    "event-invoice": lambda: field_rows(InvoiceData),
    "event-driver-statement": lambda: field_rows(DriverStatementData),
    "event-carrier-statement": lambda: field_rows(CarrierStatementData),
    "event-carrier-bill": lambda: field_rows(CarrierBillData),
    "event-fuel": lambda: field_rows(FuelData),
    "event-toll": lambda: field_rows(TollData),
    "setting-connection": lambda: field_rows(ConnectionSetting),
    "setting-account": lambda: field_rows(AccountSetting),
    "setting-vendor": lambda: field_rows(VendorSetting),
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
