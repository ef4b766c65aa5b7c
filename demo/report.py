"""What is printed at the end: who became what, one document line by line, and the one line that counts."""

from collections import Counter
from decimal import Decimal
from typing import Any

from demo.acts import DETENTION, DemoRun, as_expected
from demo.events import GROUPED, INVOICES, TOPICS, ExpectedOutcome
from demo.screen import Screen
from demo.traffic import Sent

OUTCOMES = tuple(ExpectedOutcome)
SHOWN = 5
"""So many findings of a kind are printed."""


def report(evidence: DemoRun, screen: Screen) -> None:
    """Everything but the last line."""
    _outcomes(evidence, screen)
    _codes(evidence, screen)
    _explained(evidence, screen)
    _detention(evidence, screen)
    screen.plain(
        f"delivered a second time: {len(evidence.again)} records; create calls to Sage for them: "
        f"{evidence.creates_again}"
    )
    _payments(evidence, screen)
    found = evidence.audit
    screen.plain(f"in Sage's database: {found.standing} documents, expected {found.expected}")
    _findings(evidence, screen)


def last_line(evidence: DemoRun) -> str:
    """The line that a script reads. How records are counted stands in demo/README.md."""
    ended = Counter(_outcome(each) for each in evidence.sent)
    shown = " ".join(
        f"{outcome}={ended[outcome]}" for outcome in OUTCOMES if outcome is not ExpectedOutcome.ALREADY_POSTED
    )
    audit = evidence.audit
    payments = len(evidence.payments.told)
    return (
        f"demo: events={len(evidence.sent)} {shown} payments={payments} lost={len(audit.lost)} twice={len(audit.twice)}"
    )


def _outcome(sent: Sent) -> str:
    """How the record ended; one that corrected what stood counts as that, though it was posted in its place."""
    if any(answer.outcome == ExpectedOutcome.REVERSED for answer in sent.answers):
        return ExpectedOutcome.REVERSED
    return sent.last.outcome if sent.last else "unanswered"


def _outcomes(evidence: DemoRun, screen: Screen) -> None:
    counts = Counter((each.event.topic, _outcome(each)) for each in evidence.sent)
    columns = ["topic", *OUTCOMES, "events"]
    rows = []
    topics = (*TOPICS, GROUPED)
    for topic in topics:
        numbers = [counts[topic, outcome] for outcome in OUTCOMES]
        rows.append([topic, *map(str, numbers), str(sum(numbers))])
    totals = [sum(counts[topic, outcome] for topic in topics) for outcome in OUTCOMES]
    rows.append(["all", *map(str, totals), str(sum(totals))])
    screen.table("What became of every record", columns, rows, right=frozenset(columns[1:]))


def _codes(evidence: DemoRun, screen: Screen) -> None:
    """Every code with an example of what leads to it."""
    coded = [(str(each.last), each.event.story) for each in evidence.sent if each.last and each.last.code]
    counts, stories = Counter(name for name, _ in coded), dict(reversed(coded))
    rows = [[name, str(counts[name]), stories[name]] for name in sorted(counts)]
    screen.table(
        "Why a record was not posted", ["outcome:code", "records", "for example"], rows, right=frozenset({"records"})
    )


def _explained(evidence: DemoRun, screen: Screen) -> None:
    """The invoice with most lines among those that were mapped after the change, as its result explains it."""
    invoices = [each for each in evidence.sent if each.event.topic == INVOICES and _uses_new_account(each)]
    if not invoices:
        return
    last = max(
        (each.last for each in invoices if each.last), key=lambda answer: len(answer.result["document"]["lines"])
    )
    document, sage = last.result["document"], last.result["sage"]
    title = (
        f"{document['object']} {document['number']} of {document['party']}, total {document['total']}, "
        f"record {sage['recordNo']} in Sage: why each line stands where it stands"
    )
    rows = [_line(line) for line in document["lines"]]
    columns = ["line", "category", "item", "amount", "account", "level", "offset", "key in mapping-state"]
    screen.table(title, columns, rows, right=frozenset({"line", "amount", "offset"}))


def _line(line: dict[str, Any]) -> list[str]:
    why = line["mapping"]
    key = why["key"].partition("/")[2]
    cells = (line["line"], line["category"], line["item"], line["amount"], line["account"], why["level"], why["offset"])
    return [*map(str, cells), f"…/{key}"]


def _uses_new_account(sent: Sent) -> bool:
    document = sent.last.result.get("document") if sent.last and sent.last.outcome == ExpectedOutcome.POSTED else None
    return document is not None and any(line["account"] == DETENTION for line in document["lines"])


def _detention(evidence: DemoRun, screen: Screen) -> None:
    """Which account detention went to, before and after the change, as Sage's own lines say."""
    lines = Counter(
        line["account"]
        for document in evidence.documents
        if document["kind"] == "ARINVOICE" and document["company"] == "BLUEMESA"
        for line in document["lines"]
        if line["memo"].startswith("Detention ")
    )
    screen.plain()
    shown = ", ".join(f"{number} lines in {account}" for account, number in sorted(lines.items()))
    screen.plain(f"AR detention of BLUEMESA in Sage, earlier documents and later ones: {shown}")


def _payments(evidence: DemoRun, screen: Screen) -> None:
    """What came back from Sage, and whether that is so. Sage has a row for each line of a document; shown are sums."""
    paid = evidence.payments
    sums: dict[tuple[str, ...], Decimal] = {}
    for each in paid.records:
        said = (each["documentKey"], each["source"]["paymentRecordNo"], each["kind"], each["method"] or "")
        stands = (each["checkNumber"] or "", each["memo"] or "", each["documentState"], each["balance"]["due"])
        sums[*said, *stands] = sums.get((*said, *stands), Decimal(0)) + Decimal(each["amount"])
    rows = [[*name[:3], str(amount), *name[3:]] for name, amount in sums.items()]
    columns = ["document", "payment", "kind", "amount", "method", "number", "memo", "state after it", "still due"]
    right = frozenset({"payment", "amount", "still due"})
    screen.table("Payments recorded in Sage, as they came back", columns, rows, right=right)
    screen.plain(f"payments that stand by the topic: {len(paid.told)}, in Sage's database: {len(paid.standing)}")


def _findings(evidence: DemoRun, screen: Screen) -> None:
    """What is not as it should be."""
    audit = evidence.audit
    otherwise = [
        f"{each.event.story} at {each.place}: expected {each.event.expectation}, got "
        f"{', '.join(map(str, each.answers)) or 'no answer'}"
        for each in evidence.sent
        if not as_expected(each)
    ]
    for name, findings in (
        ("lost", audit.lost),
        ("twice", audit.twice),
        ("wrong in Sage", audit.wrong),
        ("ended otherwise than expected", otherwise),
        ("answers to records that nobody sent", [""] * evidence.strays),
        ("payments", [] if evidence.payments.sound else ["folding the topic does not give what Sage has"]),
    ):
        for finding in findings[:SHOWN]:
            screen.plain(f"{name}: {finding}")
        if len(findings) > SHOWN:
            screen.plain(f"{name}: and {len(findings) - SHOWN} more")
