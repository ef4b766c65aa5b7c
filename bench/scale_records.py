"""Records by the hundred thousand: invoice events of one line, ledger entries, settings, written in whole batches."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from consumers.export.ledger.codec import encode
from consumers.export.protocol.document_state import Claim, DocumentState, LastOutcome, Posted
from domain.codes import Code
from domain.documents import Connection, SageObject
from domain.events import EventKind
from domain.outcomes import Outcome
from domain.translation import parse_record

Pair = tuple[bytes, bytes]
"""Key and value of a record."""
CREDENTIALS = "bench"
AT = datetime(2026, 6, 16, 16, 20, 11, tzinfo=UTC)
_EVENT = json.dumps(
    {
        "id": "evt-@@",
        "type": "invoice.created",
        "timestamp": AT.isoformat(),
        "version": "v1",
        "data": {
            "subsidiary": {"id": "sub-@company@", "name": "Blue Mesa Transport LLC", "type": "Carrier"},
            "invoice": {
                "id": "@@",
                "number": "@@",
                "type": "LoadInvoice",
                "status": "AwaitingPayment",
                "createdDate": "2026-06-16T15:20:11Z",
                "invoicedDate": "2026-06-16T00:00:00Z",
                "dueDate": "2026-07-16T00:00:00Z",
                "total": {"amount": "2702.27", "currency": 840},
                "lineItems": [
                    {
                        "id": "5fcbde82",
                        "category": "Load",
                        "name": "Linehaul",
                        "loadNumber": "@@",
                        "rate": {"unitOfMeasurement": "Flat", "units": 1, "rate": 2702.27},
                        "amount": {"amount": "2702.27", "currency": 840},
                    }
                ],
            },
            "customer": {"id": "c-1", "name": "Prairie Gold Foods Holdings", "externalAccountingId": "CUST-10021"},
            "loads": [{"loadNumber": "@@", "orderNumber": "ORD-@@", "fleet": {"name": "West Fleet"}}],
        },
    }
)


def connection(company: str) -> Connection:
    """The connection of a company's one subsidiary."""
    return Connection(f"sub-{company}", company, None, CREDENTIALS)


def settings(companies: Iterable[str], *, unmapped: frozenset[str] = frozenset()) -> str:
    """The settings of companies, a line each, as `mappings import` reads them. Of some, the account is missing."""
    lines = []
    for company in companies:
        value = {"companyId": company, "credentials": CREDENTIALS, "state": "active"}
        lines.append({"key": f"sub-{company}/connection", "value": value | {"activatedAt": "2026-06-01T00:00:00Z"}})
        if company not in unmapped:
            lines.append({"key": account_key(company), "value": {"account": "40000"}})
    return "".join(json.dumps(line) + "\n" for line in lines)


def account_key(company: str) -> str:
    """The key of the account that all invoices of a company need."""
    return f"sub-{company}/account/ar/default/default"


def invoice(company: str, number: int | str) -> Pair:
    """The event of an invoice, with its key."""
    name = f"{company}-{number}"
    return f"invoice/{name}".encode(), _EVENT.replace("@company@", company).replace("@@", name).encode()


def posted(company: str, number: int) -> Pair:
    """The ledger entry of a posted invoice, as long as real ones are."""
    key, name = f"invoice/{company}-{number}".encode(), f"{company}-{number}"
    revision = f"{number:032x}"
    record = Posted(
        revision,
        str(number),
        revision,
        connection(company),
        SageObject.AR_INVOICE,
        name,
        "CUST-10021",
        revision,
        revision,
        revision,
    )
    return key, encode(DocumentState("", posted=record, last=LastOutcome(revision, Outcome.POSTED, number)))


def unmapped(company: str, number: int) -> Pair:
    """The ledger entry of an invoice that waits for the account of its line."""
    detail = "no account on AR for 1 of 1 lines"
    keys = [
        f"sub-{company}/account/ar/{rest}" for rest in ("default/default", "load/default", "load/customer linehaul")
    ]
    return _waiting(company, number, Code.ACCOUNT_UNMAPPED, detail, *keys)


def set_aside(company: str, number: int) -> Pair:
    """The ledger entry of an invoice whose company refuses every sign-in."""
    detail = "XL03000006: Sign-in information is incorrect"
    blockers = f"sage/{company}/{CREDENTIALS}", f"sub-{company}/connection"
    return _waiting(company, number, Code.SAGE_SIGN_IN, detail, *blockers)


def behind_others(company: str, number: int) -> Pair:
    """The ledger entry of an invoice that waits for its turn."""
    detail = f"more documents of company {company} wait than it takes at once; this one is sent in its turn"
    return _waiting(company, number, Code.COMPANY_BACKLOG, detail, f"backlog/{company}/{CREDENTIALS}")


def _waiting(company: str, number: int, code: Code, detail: str, *blockers: str) -> Pair:
    key, event = invoice(company, number)
    parsed = parse_record(EventKind.INVOICE, event)
    last = LastOutcome(
        parsed.revision,
        Outcome.DEFERRED,
        number,
        code=code,
        detail=detail,
        blocked_by=blockers,
        emitted=parsed.emitted,
    )
    return key, encode(DocumentState("", last=last, parked=event))


def rejected(company: str, number: int, code: Code) -> Pair:
    """The ledger entry of an invoice that was rejected, and is tried again only if a person asks for it."""
    key, event = invoice(company, number)
    parsed = parse_record(EventKind.INVOICE, event)
    last = LastOutcome(parsed.revision, Outcome.REJECTED, number, code=code, detail="no", emitted=parsed.emitted)
    return key, encode(DocumentState("", attempts=1, last=last, parked=event))


def in_doubt(company: str, number: int) -> Pair:
    """The ledger entry of an invoice whose call has no outcome."""
    key, event = invoice(company, number)
    parsed = parse_record(EventKind.INVOICE, event)
    last = LastOutcome(parsed.revision, Outcome.UNCERTAIN, number, detail="no answer came", emitted=parsed.emitted)
    claim = Claim(
        parsed.revision,
        f"{number:032x}",
        0,
        connection(company),
        SageObject.AR_INVOICE,
        f"{company}-{number}",
        "CUST-10021",
        Decimal("2702.27"),
        AT,
        offset=number,
        emitted=parsed.emitted,
    )
    return key, encode(DocumentState("", claim=claim, last=last, parked=event))


async def write(bootstrap: str, topic: str, records: Iterable[Pair], partition_of: Callable[[bytes], int]) -> None:
    """Write records in batches as full as they get."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=1_000_000, linger_ms=20) as producer:
        await producer.partitions_for(topic)
        sent: list[asyncio.Future[object]] = []
        batches: dict[int, BatchBuilder] = {}
        for key, value in records:
            number = partition_of(key)
            batch = batches.get(number) or batches.setdefault(number, producer.create_batch())
            if batch.append(key=key, value=value, timestamp=None) is None:
                sent.append(await producer.send_batch(batch, topic, partition=number))
                batch = batches[number] = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        for number, batch in batches.items():
            sent.append(await producer.send_batch(batch, topic, partition=number))
        await asyncio.gather(*sent)


def mixed(*kinds: Iterator[Pair]) -> Iterator[Pair]:
    """One record of each kind in turn, until all have ended."""
    left = list(kinds)
    while left:
        for kind in tuple(left):
            if (record := next(kind, None)) is None:
                left.remove(kind)
            else:
                yield record
