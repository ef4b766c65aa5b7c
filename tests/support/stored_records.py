"""One object for each form of every stored record, and the bytes in `tests/fixtures/stored` that stand for it.

A fixture file holds one record a line: its name, a tab, its value. `current.tsv` files are what this version writes;
`older.tsv` files are what earlier versions wrote, which this version still reads. If a format grows, the lines that
change move from the first to the second: nobody rewrites the topics of a running service.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from consumers.consolidated_bills.groups import SentBill
from consumers.export.protocol.document_state import (
    DELETE,
    REVERSE,
    REVISION_AMBIGUOUS,
    UPDATE,
    Claim,
    Consolidated,
    DocumentState,
    FormerRecord,
    LastOutcome,
    MarkedSynced,
    Posted,
)
from consumers.payments.cursor import (
    Backfilled,
    Cursor,
    CursorRecord,
    PaymentReplay,
    PublishedFact,
    ReconciliationProgress,
)
from domain import commands
from domain.categories import Side
from domain.codes import Code
from domain.documents import Connection, SageObject
from domain.emission import Emitted
from domain.outcomes import Outcome
from domain.payments import ExportedDocument, PaymentFact, PaymentKind
from producers.consolidated_lines import Bill
from sage_client.query import PageCursor

FOLDER = Path(__file__).parents[1] / "fixtures" / "stored"
AT = datetime(2026, 3, 31, 22, 15, 7, 120_000, UTC)
SUMMER = datetime(2026, 7, 1, 8, 30, tzinfo=timezone(timedelta(hours=-5)))


def stored(kind: str, version: str = "current") -> dict[str, bytes]:
    """The stored values of one kind of record, by name."""
    lines = (FOLDER / f"{kind}-{version}.tsv").read_bytes().splitlines()
    return {name.decode(): value for name, _, value in (line.partition(b"\t") for line in lines)}


ENTITY = Connection("sub-1", "BLUEMESA", "100", "blue_mesa")
TOP = Connection("sub-2", "BLUEMESA", None, "blue_mesa")

PLAIN_CLAIM = Claim(
    "r1", "c" * 64, 0, ENTITY, SageObject.AR_INVOICE, "INV-1", "C-1", Decimal("1250.10"), AT, 41, 1774994400000,
    content="d1", booked="b1", said="s1", alvys_party="cust-9", emitted=Emitted(AT, "evt-1"),
)  # fmt: skip
CORRECTING_CLAIM = Claim(
    "r2", "d" * 64, 3, TOP, SageObject.AP_ADJUSTMENT, "BILL-7-R2", "V-7", Decimal("-0.05"), SUMMER,
    repeats=2, asked=True, operation=REVERSE, record_no="9912", posting_date=date(2026, 4, 1),
)  # fmt: skip
POSTED = Posted(
    "r1", "9911", "c" * 64, ENTITY, SageObject.AR_INVOICE, "INV-1", "C-1", "d1", "b1", "s1", "cust-9", AT,
)  # fmt: skip
POSTED_AMBIGUOUS = Posted(REVISION_AMBIGUOUS, "9914", "e" * 64, TOP, SageObject.AP_BILL, "BILL-7", "V-7")
ENDED = LastOutcome("r1", Outcome.POSTED, 41, 1774994400000, emitted=Emitted(AT, "evt-1"))
WAITS = LastOutcome(
    "r2", Outcome.DEFERRED, 42, 1774994400001, Code.ACCOUNT_UNMAPPED, "no account for Fuel 'Дизель' \u2028 \"x\"",
    ("sub-1/account/ar/Load/default", "sub-1/account/ar/Default/default"), emitted=Emitted(SUMMER, "evt-2"),
)  # fmt: skip
REFUSED = LastOutcome(
    "r2", Outcome.REJECTED, 43, 5, Code.SAGE_REFUSED, "BL01001973: it said no", ("sub-1/account/ar/Load/default",),
    by_sage=True, mapped_digest="0a1b2c",
)  # fmt: skip
FORMER = FormerRecord("9001", "INV-1", ENTITY, SageObject.AR_INVOICE, "C-1")
DELETED = FormerRecord("9002", "", TOP, SageObject.AP_BILL, "V-7")
MARKED = MarkedSynced("r1", "kim, 2026-03-31T22:15:07+00:00: by hand")

LEDGER: dict[str, DocumentState] = {
    "new": DocumentState("invoice/1"),
    "claimed": DocumentState("invoice/1", claim=PLAIN_CLAIM),
    "posted": DocumentState("invoice/1", posted=POSTED, last=ENDED),
    "posted and answered": DocumentState("invoice/1", posted=POSTED, last=ENDED, answered=("AbC-_123456", "x")),
    "posted, of unknown content": DocumentState("invoice/1", 2, POSTED_AMBIGUOUS, last=ENDED),
    "being updated": DocumentState(
        "invoice/1", 1, POSTED, replace(PLAIN_CLAIM, operation=UPDATE, record_no="9911"), ENDED
    ),
    "being deleted": DocumentState(
        "invoice/1", 1, POSTED, replace(PLAIN_CLAIM, operation=DELETE, record_no="9911"), ENDED
    ),
    "in doubt": DocumentState("bill/7", 3, POSTED_AMBIGUOUS, CORRECTING_CLAIM, WAITS, b'{"id":"evt-2"}'),
    "waits for two keys": DocumentState("invoice/1", last=WAITS, parked=b"\x00\xff not JSON"),
    "waits with an empty event": DocumentState("invoice/1", last=WAITS, parked=b""),
    "refused by Sage": DocumentState("invoice/1", 1, last=REFUSED, parked=b"{}"),
    "marked as synced": DocumentState("invoice/1", last=ENDED, marked=MARKED, parked=b"{}"),
    "marked while in doubt": DocumentState(
        "invoice/1",
        last=WAITS,
        marked=MarkedSynced("r2", "kim", "9913", 1774994400000, PLAIN_CLAIM),
        parked=b"{}",
    ),
    "with former records": DocumentState("invoice/1", 4, last=WAITS, parked=b"{}", former_records=(FORMER, DELETED)),
    "renumbered": DocumentState("invoice/1", 2, POSTED, last=ENDED, former_records=(FORMER,), renumbered=True),
    "a line of a consolidated bill": DocumentState(
        "fuel/f-1", last=ENDED, grouped=Consolidated("r1", "fuel-day/sub-1/efs/2026-03-31/USD")
    ),
    "a line that was withdrawn": DocumentState("fuel/f-1", last=ENDED, grouped=Consolidated("r2", None)),
    "with everything": DocumentState(
        "invoice/1", 9, POSTED, CORRECTING_CLAIM, REFUSED, b"{}", MARKED, (FORMER, DELETED), True,
        Consolidated("r1", None), ("AbC-_123456",),
    ),
}  # fmt: skip

OLDER_CLAIM = Claim("r1", "c" * 64, 0, ENTITY, SageObject.AR_INVOICE, "INV-1", "C-1", Decimal("1250.10"), AT)
OLDER_POSTED = Posted("r1", "9911", "c" * 64, ENTITY, SageObject.AR_INVOICE, "INV-1", "C-1")
OLDER_ENDED = LastOutcome("r1", Outcome.POSTED, 41)

OLDER_LEDGER: dict[str, DocumentState] = {
    "the first version's claim": DocumentState("invoice/1", claim=OLDER_CLAIM),
    "the first version's record": DocumentState("invoice/1", posted=OLDER_POSTED, last=OLDER_ENDED),
    "the first version's waiting event": DocumentState(
        "invoice/1",
        last=LastOutcome("r2", Outcome.DEFERRED, 42, 0, Code.ACCOUNT_UNMAPPED, None, ("a/account/ar/Load/default",)),
        parked=b"{}",
    ),
    "a mark without time and claim": DocumentState("invoice/1", last=OLDER_ENDED, marked=MARKED, parked=b"{}"),
    "parts that are null": DocumentState("invoice/1"),
    "a part that only a later version knows": DocumentState("invoice/1", posted=OLDER_POSTED, last=OLDER_ENDED),
    "times as Z": DocumentState("invoice/1", claim=PLAIN_CLAIM),
    "a record without the time it is shown by": DocumentState(
        "invoice/1", posted=replace(POSTED, shown_by=None), last=ENDED
    ),
}

INVOICE = ExportedDocument("invoice/1", "sub-1", "BLUEMESA", "100", SageObject.AR_INVOICE, "9911", "INV-1", "C-1")
CREDIT = ExportedDocument("bill/7", "sub-2", "BLUEMESA", None, SageObject.AP_ADJUSTMENT, "9912", "BILL-7", "V-7")
FACT = PaymentFact(
    "BLUEMESA/ar/12/payment", PaymentKind.PAYMENT, Decimal("100.00"), INVOICE, "USD", "2026-03-31", "Printed Check",
    "4711", "ref", "thanks", "ARPYMTDETAIL", "12", "7", "Complete", "03/31/2026 22:15:07",
)  # fmt: skip
BARE_FACT = PaymentFact(
    "BLUEMESA/ap/difference/9912", PaymentKind.DIFFERENCE, Decimal("-0.05"), CREDIT, *[""] * 11
)  # fmt: skip
PAGE = PageCursor("03/31/2026 22:15:07", "12")

CURSOR: dict[str, CursorRecord] = {
    "fact": PublishedFact(FACT),
    "fact that a replay published": PublishedFact(replace(FACT, kind=PaymentKind.VOID, amount=Decimal(0)), "replay-1"),
    "fact of a balance": PublishedFact(BARE_FACT),
    "cursor at the beginning": Cursor("sub-1", Side.AR, "", AT),
    "cursor": Cursor("BLUEMESA", Side.AP, "03/31/2026 22:15:07", AT),
    "cursor with a replay to begin": Cursor(
        "sub-1", Side.AR, "x", AT, PaymentReplay("replay-1", "03/01/2026 00:00:00")
    ),
    "cursor within a replay": Cursor("sub-1", Side.AR, "x", AT, PaymentReplay("replay-1", "03/01/2026 00:00:00", PAGE)),
    "backfilled": Backfilled({"invoice-created.ledger/0": 17, "toll.ledger/3": 0}, frozenset({"sub-1/ar", "sub-1/ap"})),
    "nothing backfilled": Backfilled({}, frozenset()),
    "reconciliation ended": ReconciliationProgress(AT),
    "reconciliation under way": ReconciliationProgress(AT, ("ARINVOICE", "9911")),
}
OLDER_CURSOR: dict[str, CursorRecord] = {
    "fact with empty texts": PublishedFact(BARE_FACT),
    "times as Z": ReconciliationProgress(AT),
}

COMMANDS: dict[str, commands.Command] = {
    "retry documents": commands.Retry(
        schema_version=1, id="c-1", by="kim", at=AT, why="mended", documents=("invoice/1", "toll/2")
    ),
    "retry codes on a topic": commands.Retry(
        schema_version=1, id="c-2", by="kim", at=SUMMER, codes=("SAGE_REFUSED",), topics=("east-invoice-created",)
    ),
    "retry blockers": commands.Retry(
        schema_version=1, id="c-3", by="kim", at=AT, blocked_by=("sub-1/account/ar/Load/default",)
    ),
    "mark as synced": commands.MarkSynced(
        schema_version=1, id="c-4", by="kim", at=AT, why="by hand", documents=("invoice/1",), record_no="9911"
    ),
    "mark as synced, record unknown": commands.MarkSynced(
        schema_version=1, id="c-5", by="kim", at=AT, why="by hand", documents=("invoice/1",)
    ),
}

FUEL_BILL = Bill("fuel-day/sub-1/efs/2026-03-31/USD", "FuelDay", "sub-1", "EFS", date(2026, 3, 31), 840)
TOLL_BILL = Bill("toll-day/sub-1/bestpass/2026-03-31/base", "TollDay", "sub-1", "BestPass", date(2026, 3, 31), None)
SENT: dict[str, SentBill] = {
    "sent": SentBill(FUEL_BILL, "0" * 32, AT),
    "ended": SentBill(TOLL_BILL, "f" * 32, AT, ended=True),
}
