"""``alvys-sage codes``: every code of results and dead letters, with its meaning, its cause and its fix.

docs/codes.md is the output of ``--markdown``, so it always matches the table in `domain.codes`.
"""

from typing import Annotated

import typer

from app.errors import UsageError
from app.output import Json, show_json, show_table, show_text
from domain.codes import Class, Code
from domain.error_classes import CLASSES, classes_of

PAGE = """\
# Codes

Every code that a result (`code`) or a dead letter (header `alvys-sage-code`) can carry. A code is stable: its meaning
does not change, and none is used again for something else. This page is printed by `alvys-sage codes --markdown`.

*Formerly* is the name of a code in the version before. What is stored under it is read as the present code, and
`--code` takes both.
"""

BY_CLASS = """\
## By class of error

The classes that accountants know from other exports, and the code that each has here. Sage's words are given where
somebody published them; what else Sage says is `SAGE_REFUSED`, with its words in `sage.errors`.

| class of error | named by | codes | Sage's words |
|---|---|---|---|"""

MEANINGS = {
    Class.SKIPPED: "Policy says that this document is not exported. It is not tried again by itself.",
    Class.DEFERRED: "The document waits for what `blockedBy` names and exports by itself when that arrives.",
    Class.REJECTED: "A person has to act. Nothing was booked by this revision.",
    Class.UNCERTAIN: "Sent, and the answer was lost. It is looked up in Sage until it is known; never sent blindly.",
    Class.DEAD: "The record breaks the contract. It is on `sage-dead-letters`, byte for byte; there is no result.",
}


def codes(
    *,
    as_json: Json = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As the page docs/codes.md.")] = False,
) -> None:
    """Every code: the outcome it comes with, its cause and its fix."""
    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other")
    if as_markdown:
        show_text(markdown())
    elif as_json:
        show_json(
            [
                {"outcome": outcome, "code": code, "formerly": Code(code).former_name, "cause": cause, "fix": fix}
                for outcome, code, cause, fix in rows()
            ]
        )
    else:
        show_table(("OUTCOME", "CODE", "CAUSE", "FIX"), rows())


def rows() -> list[tuple[str, str, str, str]]:
    """List outcome, code, cause and fix of every code, in the order of the table."""
    return [(found.outcome.value, code.value, found.cause, found.fix) for code in Code for found in (code.explanation,)]


def markdown() -> str:
    """Make the page docs/codes.md: one table per outcome, and one by class of error."""
    parts = [PAGE]
    for outcome, meaning in MEANINGS.items():
        head = "| code | cause | fix | class of error |\n|---|---|---|---|"
        parts.append(f"## {outcome.value.capitalize()}\n\n{meaning}\n\n{head}")
        parts += [
            f"| {_named(Code(code))} | {cause} | {fix} | {'; '.join(each.name for each in classes_of(Code(code)))} |"
            for found, code, cause, fix in rows()
            if found == outcome
        ]
        parts.append("")
    parts.append(BY_CLASS)
    for each in CLASSES:
        named = ", ".join(f"`{code}`" for code in each.codes)
        parts.append(f"| {each.name} | {each.known_as} | {named} | {each.words} |")
    return "\n".join(parts).rstrip()


def _named(code: Code) -> str:
    """The code for the page, with its former name if it has one."""
    return f"`{code}`" + (f" (formerly `{code.former_name}`)" if code.former_name else "")
