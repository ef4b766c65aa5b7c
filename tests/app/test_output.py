"""The one door to a person's terminal: nothing from outside is markup, moves the cursor or turns the writing."""

import ast
import json
from pathlib import Path

import pytest
from rich.errors import MarkupError
from rich.text import Text

from app import output

APP = Path(output.__file__).parent
NASTY = (
    r"C:\[/x] Freight",
    "[bold]loud[/bold] [/]",
    "\x1b[2J\x1b]0;owned\x07gone",
    "two\nlines\rback\ttab",
    "\u202egnitirw\u202c \u2066x\u2069",
    "nothing\u200b\ufeff seen\u00ad",
    "\x9b31m \x85 \u2028",
    "a lone \ud800 surrogate",
)


@pytest.fixture(params=[True, False], ids=["terminal", "pipe"])
def terminal(request, monkeypatch, capsys) -> bool:
    monkeypatch.setattr("sys.stdout.isatty", lambda: request.param)
    return bool(request.param)


def harmless(text: str) -> bool:
    return all(sign.isprintable() or sign in "\n\t" for sign in text)


@pytest.mark.parametrize("cell", NASTY)
def test_a_cell_is_shown_as_it_is_and_moves_nothing(terminal, capsys, cell):
    output.show_table(("KEY", "NAME"), [("a", cell), ("b", "Prairie Gold")], whole=True)
    shown = capsys.readouterr().out
    assert harmless(shown)
    assert len(shown.splitlines()) == 3
    visible = cell.encode("unicode_escape").decode().replace("\\\\", "\\") if not cell.isprintable() else cell
    assert visible.replace("\\xad", "\\xad") in shown
    assert "Prairie Gold" in shown


@pytest.mark.parametrize("text", NASTY)
def test_a_line_and_a_note_are_one_line_each(capsys, text):
    output.show_line(text)
    output.note(text)
    said = capsys.readouterr()
    for shown in (said.out, said.err):
        assert harmless(shown)
        assert shown.count("\n") == 1


@pytest.mark.parametrize("value", NASTY)
def test_json_moves_nothing_and_reads_back_as_it_was(capsys, value):
    output.show_json({"name": value})
    output.show_json_line(json.dumps(value, ensure_ascii=False))
    shown = capsys.readouterr().out
    assert harmless(shown)
    first, second = shown[: shown.index("}") + 1] if "}" not in value else shown, shown.splitlines()[-1]
    assert json.loads(first)["name"] == value
    assert json.loads(second) == value


def test_the_markup_of_a_cell_would_break_a_table():
    with pytest.raises(MarkupError):
        Text.from_markup(NASTY[0].replace("[", r"\["))


def test_no_other_module_of_the_commands_prints():
    """`app.connections.prompts` talks to a person too: it asks through the same escaping."""
    doors = {"output.py", "prompts.py"}
    found = []
    for file in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = {name.name for name in node.names} if isinstance(node, ast.Import) else set()
            module = node.module if isinstance(node, ast.ImportFrom) else None
            calls = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            writes = isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout.write", "typer.echo"}
            rich = any(str(each).partition(".")[0] == "rich" for each in (*names, module or ""))
            if (rich or calls or writes) and file.name not in doors:
                found.append(f"{file.relative_to(APP)}: {ast.unparse(node)}")
    assert not found
