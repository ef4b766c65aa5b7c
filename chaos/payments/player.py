"""What an accountant does next: drawn from a seed, given what stands in the books. Pure; the accountant does it.

A play that polling cannot see names the documents that it hides: what is edited or voided without a newer stamp, what
is deleted (a row that is gone has no stamp), what is stamped by a clock that jumped back, a discount on AR (`query`
refuses its columns: only the document's balance holds it, docs/decisions/0053).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from chaos.payments.facts import Place

Body = Mapping[str, Any]
Row = Mapping[str, Any]
JUMP = 5400
"""Seconds by which a clock jumps back, far beyond any overlap that a run polls with."""


@dataclass(frozen=True, slots=True)
class AdminCall:
    """One call to an admin endpoint."""

    method: str
    path: str
    body: Body


@dataclass(frozen=True, slots=True)
class Play:
    """What is done, in order, and the documents for which polling cannot see it."""

    kind: str
    calls: tuple[AdminCall, ...]
    hidden: frozenset[Place] = frozenset()


@dataclass(slots=True)
class Books:
    """The answer of `/admin/payments`, by side."""

    answer: Mapping[str, Any]
    company: str = ""
    side: str = ""
    documents: list[Row] = field(default_factory=list)
    details: list[Row] = field(default_factory=list)

    def of(self, company: str, side: str) -> "Books":
        """Those of one company and side."""
        parts = {
            name: [row for row in self.answer[name] if (row["company"], row["side"]) == (company, side)]
            for name in ("documents", "details")
        }
        return Books(self.answer, company, side, **parts)


class Player:
    """Draws plays. `offsets`: how far each company's clock is off, in seconds, at the start."""

    def __init__(self, seed: int | str, offsets: Mapping[str, int]) -> None:
        self._chance = Random(f"player {seed}")
        self._offsets = dict(offsets)
        self._advances: dict[str, list[tuple[int, str]]] = {company: [] for company in offsets}
        """Record numbers of payments with money left, as far as they are known, and whether advance or overpayment."""
        self._number = 0
        self.kinds: dict[str, tuple[int, Callable[[Books], Play | None]]] = {
            "pay": (16, self._pay),
            "receipt": (8, self._receipt),
            "ties": (6, self._ties),
            "parts": (8, self._parts),
            "negative invoice": (5, self._negative),
            "stage": (8, self._stage),
            "move": (10, self._move),
            "void": (7, self._void),
            "edit": (8, self._edit),
            "edit twice": (4, self._edit_twice),
            "touch": (3, self._touch),
            "delete": (2, self._delete),
            "hidden edit": (2, self._hidden_edit),
            "hidden void": (2, self._hidden_void),
            "unapplied": (3, self._unapplied),
            "apply": (5, self._apply),
            "shift": (3, self._shift),
            "clock jump": (1, self._jump),
        }

    def learn(self, play: Play, recordnos: Sequence[int]) -> None:
        """What the gateway answered to a play that left money over."""
        if play.kind == "unapplied":
            body = play.calls[0].body
            part = "overpayment" if body["applied"] else "advance"
            self._advances[body["company"]] += [(number, part) for number in recordnos]

    def next(self, answer: Mapping[str, Any]) -> Play:
        """The next play that is possible."""
        while True:
            [kind] = self._chance.choices(list(self.kinds), [weight for weight, _ in self.kinds.values()])
            company = self._chance.choice(sorted(self._offsets))
            side = self._chance.choice(("AR", "AP"))
            play = self.kinds[kind][1](Books(answer).of(company, side))
            if play is not None:
                return play

    # Money comes.

    def _pay(self, books: Books) -> Play | None:
        documents = self._open(books, 1)
        return self._record("pay", books, {documents[0]["recordno"]: self._some(documents[0])}) if documents else None

    def _receipt(self, books: Books) -> Play | None:
        documents = self._open(books, self._chance.randint(2, 5))
        return (
            self._record("receipt", books, {each["recordno"]: self._some(each, whole=0.5) for each in documents})
            if documents
            else None
        )

    def _ties(self, books: Books) -> Play | None:
        """Several payments on one document at once: their details have one stamp."""
        documents = self._open(books, 1)
        if not documents:
            return None
        few = max(1, _free(documents[0]) // 400)
        calls = [
            self._recording(books, {documents[0]["recordno"]: text(self._chance.randint(1, few))})
            for _ in range(self._chance.randint(2, 4))
        ]
        return Play("ties", tuple(calls))

    def _parts(self, books: Books) -> Play | None:
        documents = self._open(books, 1)
        if not documents:
            return None
        amount = cents(self._some(documents[0]))
        taken = min(amount - 1, max(1, amount // self._chance.randint(2, 30)))
        other = self._chance.choice(("discount", "adjustment", "inline"))
        parts = {"payment": text(amount - taken), other: text(taken)} if taken else {other: text(amount)}
        document = documents[0]["recordno"]
        unseen = [{"document": document}] if books.side == "AR" and "discount" in parts else []
        return Play("parts", (self._recording(books, {document: parts}),), _touched(books, unseen))

    def _negative(self, books: Books) -> Play | None:
        credits_ = [row for row in books.documents if Decimal(row["due"]) < 0 and row["state"] in _OPEN]
        documents = self._open(books, 1)
        if not credits_ or not documents:
            return None
        credit = self._chance.choice(credits_)
        amount = min(_free(documents[0]), -cents(credit["due"]))
        amount = amount if self._chance.random() < 0.3 else self._chance.randint(1, amount)  # noqa: PLR2004 - a share
        parts = {"negative_invoice": text(amount), "negative_invoice_key": credit["recordno"]}
        return self._record("negative invoice", books, {documents[0]["recordno"]: parts})

    def _unapplied(self, books: Books) -> Play | None:
        documents = self._open(books, 1) if self._chance.random() < 0.5 else []  # noqa: PLR2004 - a coin
        applied = {each["recordno"]: self._some(each) for each in documents or []}
        left = text(self._chance.randint(100, 50_000))
        return self._record("unapplied", books, applied, unapplied=left) if books.side == "AR" else None

    def _apply(self, books: Books) -> Play | None:
        documents = self._open(books, 1)
        if not documents or books.side == "AP" or not (left := self._advances[books.company]):
            return None
        number, part = self._chance.choice(left)
        amount = self._chance.randint(1, min(_free(documents[0]), 2_000))
        return self._record("apply", books, {documents[0]["recordno"]: {part: text(amount), f"{part}_key": number}})

    def _stage(self, books: Books) -> Play | None:
        """A payment that is not final yet."""
        documents = self._open(books, self._chance.randint(1, 3))
        states = ("draft",) if books.side == "AR" else ("draft", "submitted", "submitted", "approved")
        applied = {each["recordno"]: self._some(each, whole=0.2) for each in documents or []}
        return self._record("stage", books, applied, state=self._chance.choice(states)) if documents else None

    # What becomes of it.

    def _move(self, books: Books) -> Play | None:
        row = self._detail(books, lambda each: each["state"] in {"Draft", "Submitted", "Approved"})
        if row is None:
            return None
        states = ("submitted", "approved", "posted") if books.side == "AP" else ("posted",)
        number = ("Draft", "Submitted", "Approved").index(row["state"]) if books.side == "AP" else 0
        state = self._chance.choice(states[number:])
        return self._on(books, "move", "payments/state", recordno=row["payment"], state=state)

    def _void(self, books: Books) -> Play | None:
        row = self._detail(books, lambda each: each["state"] not in _VOID)
        return self._on(books, "void", "payments/void", recordno=row["payment"]) if row else None

    def _delete(self, books: Books) -> Play | None:
        row = self._detail(books, lambda _: True)
        hidden = _touched(books, [each for each in books.details if row and each["payment"] == row["payment"]])
        return self._on(books, "delete", "payments/delete", hidden, recordno=row["payment"]) if row else None

    def _hidden_void(self, books: Books) -> Play | None:
        row = self._detail(books, lambda each: each["final"])
        hidden = _touched(books, [each for each in books.details if row and each["payment"] == row["payment"]])
        return (
            self._on(books, "hidden void", "payments/void", hidden, recordno=row["payment"], hidden=True)
            if row
            else None
        )

    def _edit(self, books: Books) -> Play | None:
        row = self._editable(books)
        return self._on(books, "edit", "payments/detail", **self._edited(books, row)) if row else None

    def _edit_twice(self, books: Books) -> Play | None:
        row = self._editable(books)
        if row is None:
            return None
        calls = [self._on(books, "", "payments/detail", **self._edited(books, row)).calls[0] for _ in range(2)]
        return Play("edit twice", tuple(calls))

    def _touch(self, books: Books) -> Play | None:
        row = self._detail(books, lambda each: each["state"] not in _VOID)
        return self._on(books, "touch", "payments/detail", recordno=row["recordno"]) if row else None

    def _hidden_edit(self, books: Books) -> Play | None:
        row = self._editable(books)
        hidden = _touched(books, [row] if row else [])
        return (
            self._on(books, "hidden edit", "payments/detail", hidden, **self._edited(books, row), hidden=True)
            if row
            else None
        )

    # What happens around it.

    def _shift(self, books: Books) -> Play:
        fault = {"kind": "shift_pages", "company": books.company, "function": "query", "times": 1}
        return Play("shift", (AdminCall("POST", "faults", fault),))

    def _jump(self, books: Books) -> Play | None:
        """The company's clock jumps back, a payment is recorded, and it is put right again."""
        documents = self._open(books, 1)
        if not documents:
            return None
        at = self._offsets[books.company]
        where = f"company/{books.company}"
        pay = self._recording(books, {documents[0]["recordno"]: self._some(documents[0])})
        back, right = (AdminCall("PATCH", where, {"clock_seconds": seconds}) for seconds in (at - JUMP, at))
        return Play("clock jump", (back, pay, right), _touched(books, [{"document": documents[0]["recordno"]}]))

    # How.

    def _open(self, books: Books, count: int) -> list[Row] | None:
        rows = [row for row in books.documents if _free(row) > 0 and row["state"] in _OPEN]
        return self._chance.sample(rows, count) if len(rows) >= count else None

    def _some(self, row: Row, *, whole: float = 0.3) -> str:
        free = _free(row)
        return text(free if self._chance.random() < whole else self._chance.randint(1, free))

    def _detail(self, books: Books, fits: Callable[[Row], bool]) -> Row | None:
        rows = [row for row in books.details if fits(row)]
        return self._chance.choice(rows) if rows else None

    def _editable(self, books: Books) -> Row | None:
        return self._detail(
            books,
            lambda row: row["state"] not in _VOID and all(cents(amount) > 0 for amount in row["amounts"].values()),
        )

    def _edited(self, books: Books, row: Row) -> dict[str, Any]:
        """Another amount of one part, or another date, or both."""
        part, amount = self._chance.choice(sorted(row["amounts"].items()))
        document = next(each for each in books.documents if each["recordno"] == row["document"])
        more = _free(document) if part in {"payment", "discount", "inline"} else 0
        changed: dict[str, Any] = {"recordno": row["recordno"]}
        if self._chance.random() < 0.8:  # noqa: PLR2004 - a share
            most = cents(amount) + (more // 3 if self._chance.random() < 0.5 else 0)  # noqa: PLR2004 - a coin
            changed["amounts"] = {part: text(self._chance.randint(1, most))}
        if "amounts" not in changed or self._chance.random() < 0.3:  # noqa: PLR2004 - a share
            changed["on"] = f"2026-11-{self._chance.randint(1, 28):02d}"
        return changed

    def _record(self, kind: str, books: Books, applied: Mapping[int, object], **more: object) -> Play:
        return Play(kind, (self._recording(books, applied, **more),))

    def _recording(self, books: Books, applied: Mapping[int, object], **more: object) -> AdminCall:
        self._number += 1
        body = {
            "company": books.company,
            "side": books.side,
            "applied": {str(number): amount for number, amount in applied.items()},
            "number": f"CHK {self._number}" if self._chance.random() < 0.8 else "",  # noqa: PLR2004 - a share
            "method": self._chance.choice(("EFT", "Printed Check", "ACH", "Cash")),
            "memo": self._chance.choice(("", "short paid", "two for ten & more")),
            "on": f"2026-11-{self._chance.randint(1, 28):02d}",
        }
        return AdminCall("POST", "payments", body | more)

    def _on(self, books: Books, kind: str, path: str, unseen: Collection[Place] = frozenset(), **more: object) -> Play:
        body = {"company": books.company, "side": books.side, **more}
        return Play(kind, (AdminCall("POST", path, body),), frozenset(unseen))


_OPEN = {"Posted", "Partially Paid"}
_VOID = {"Voided", "Reversed"}


def cents(amount: str) -> int:
    """Decimal text as cents."""
    return int(Decimal(amount) * 100)


def text(amount: int) -> str:
    """Cents as decimal text."""
    return str(Decimal(amount) / 100)


def _free(row: Row) -> int:
    """What a document can still take."""
    return cents(row["due"]) - cents(row["selected"])


def _touched(books: Books, details: Collection[Row]) -> frozenset[Place]:
    """The documents that these details settle or use up."""
    numbers = {row["document"] for row in details}
    numbers |= {row["sources"]["negative_invoice"] for row in details if row.get("sources", {}).get("negative_invoice")}
    return frozenset((books.company, books.side.lower(), str(number)) for number in numbers)
