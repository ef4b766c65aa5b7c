"""View of rejected documents: by code, with their number, amount and fix, or the documents of one code."""

from collections.abc import Sequence

from app.errors import UsageError
from app.output import note, show_json, show_line, show_table
from app.waiting_report import UnpostedDocument, by_code, group_documents, money, text_of
from domain.codes import Code

AGAIN = (
    "When it is mended, alvys-sage retry --code CODE tries the documents of that code again. Those that a setting "
    "blocks (alvys-sage waiting --code CODE names it) go by themselves when it changes."
)


def show_rejected(found: Sequence[UnpostedDocument], code: str | None, *, as_json: bool) -> None:
    """Show rejected documents: a summary by code, or the documents of one code.

    Args:
        found: The rejected documents.
        code: The code; None: the summary.
        as_json: Whether to answer as JSON.

    Raises:
        UsageError: There is no such code.
    """
    if code is not None:
        try:
            code = Code(code.upper())
        except ValueError:
            raise UsageError(f"{code} is no code; see alvys-sage codes") from None
        found = [each for each in found if each.code == code]
    total = group_documents(found)
    if as_json:
        body: dict[str, object] = {"total": total.json() if total else None}
        if code is None:
            body["codes"] = [{"code": name, "fix": _fix(name), **crowd.json()} for name, crowd in by_code(found)]
        else:
            body |= {"code": code, "fix": _fix(code), "documents": [each.json() for each in found]}
        show_json(body)
    elif total is None:
        show_line("nothing is rejected" if code is None else f"{code} rejects nothing")
    elif code is None:
        rows = [
            (name, f"{crowd.documents:,}", crowd.amount, text_of(crowd.since), ", ".join(crowd.topics), _fix(name))
            for name, crowd in by_code(found)
        ]
        show_table(("CODE", "DOCUMENTS", "AMOUNT", "OLDEST", "TOPICS", "FIX"), rows, whole=True)
        show_line(f"total: {total.documents:,} documents rejected, {total.amount}")
        note(AGAIN)
    else:
        table_of(found)
        show_line(f"{code} rejects {total.documents:,} documents, {total.amount}")
        show_line(f"fix: {_fix(code)}")


def _fix(code: str) -> str:
    return Code(code).explanation.fix if code in set(Code) else "-"


def table_of(documents: Sequence[UnpostedDocument]) -> None:
    """Show one row per document. A column names the blocking settings if any document has one."""
    blocked = any(each.blocked_by for each in documents)
    columns = (
        "DOCUMENT",
        "NUMBER",
        "PARTY",
        "AMOUNT",
        "SINCE",
        "CODE",
        *(("BLOCKED BY",) if blocked else ()),
        "DETAIL",
    )
    show_table(
        columns,
        [
            (
                each.key,
                each.number or "-",
                each.party or "-",
                "-" if each.amount is None or each.currency is None else money(each.amount, each.currency),
                text_of(each.since),
                each.code or "-",
                *((", ".join(each.blocked_by) or "-",) if blocked else ()),
                each.detail or "-",
            )
            for each in documents
        ],
        whole=True,
    )
