"""Measure in a sandbox whether a Sage company ever executes both a call and its repetition under the same control id.

Sage says that it refuses a control id that it has executed; what it does while the first call still waits or runs is
published nowhere (docs/decisions/0093). So a request of drafts is sent, and some seconds later once more, in a session
of its own; then the records are counted, and deleted.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from app.errors import CommandError
from domain.documents import Document, SourceDocument
from domain.events import EventKind
from domain.export import export
from domain.idempotency import control_id, marker
from domain.settings.mapping_state import MappingState
from domain.translation import parse_record
from kafka_client.clock import Clock
from sage_client import Answer, Call, DeleteCall, DocumentKey, Done, Login, Refused, SageClient, in_a_word

NUMBER = "ALVYS-TEST"
"""Beginning of the numbers of the drafts, by which a person finds those that are left over."""
LOOKS, BETWEEN_LOOKS = 12, 5.0
"""How often the records are counted until all that Sage answered for are shown, and the seconds between."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """The outcome of one request and its repetition."""

    after: float
    """Seconds from the first request to its repetition."""
    overlapped: bool
    """Whether the first request had no answer yet when it was repeated."""
    first: Counter[str]
    """The answers to the first request, counted (`sage_client.in_a_word`)."""
    second: Counter[str]
    standing: Counter[int]
    """Documents by the number of records that they have in Sage."""
    left: tuple[str, ...]
    """The numbers of drafts that could not be deleted."""
    refusal: str | None
    """Why Sage refused a draft of the first request. None if it refused none."""

    @property
    def twice(self) -> int:
        """Number of documents that have more than one record."""
        return sum(count for records, count in self.standing.items() if records > 1)


class RepetitionTest:
    """The test of one Sage company.

    Args:
        clients: Two clients, so that each request has a session and a turn of its own.
        login: The login for the connected place.
        state: The settings, by which the drafts are mapped.
        subsidiary: The connected subsidiary.
        customer: The id of a customer in Sage.
        time: The clock.
    """

    def __init__(
        self,
        clients: tuple[SageClient, SageClient],
        login: Login,
        state: MappingState,
        subsidiary: str,
        customer: str,
        time: Clock,
    ) -> None:
        self._first, self._second = clients
        self._login = login
        self._state = state
        self._subsidiary = subsidiary
        self._customer = customer
        self._time = time
        self._run = secrets.token_hex(4)

    async def sign_in(self) -> None:
        """Open both sessions, so that no request waits for its own. Raises SageError if Sage refuses."""
        await self._first.probe(self._login)
        await self._second.probe(self._login)

    async def run(self, documents: int, after: float) -> Repetition:
        """Send a request and its repetition, count the records, and delete them.

        Args:
            documents: Number of drafts in the request: the more, the longer Sage is at work.
            after: Seconds until the repetition.

        Raises:
            CommandError: The settings do not allow such a document.
            SageError: The records cannot be counted.
        """
        calls = [self._call(f"{after:g}-{number}") for number in range(documents)]
        async with asyncio.TaskGroup() as group:
            sent = group.create_task(self._first.post(self._login, calls))
            await self._time.sleep(after)
            overlapped = not sent.done()
            again = await self._second.post(self._login, calls, resent=frozenset(call.control_id for call in calls))
        first = sent.result()
        records = await self._records(calls, [*first, *again])
        left = await self._delete(calls, records)
        return Repetition(
            after,
            overlapped,
            Counter(map(in_a_word, first)),
            Counter(map(in_a_word, again)),
            Counter(map(len, records)),
            left,
            next((str(each.error) for each in first if isinstance(each, Refused)), None),
        )

    def _call(self, name: str) -> Call:
        number = f"{NUMBER}-{self._run}-{name}"
        event = _event(number, self._subsidiary, self._customer, self._time.now())
        source = parse_record(EventKind.INVOICE, event).document
        document = export(source, self._state) if isinstance(source, SourceDocument) else source
        if not isinstance(document, Document):
            raise CommandError(f"no invoice of {self._subsidiary} can be exported now: {document.code}")
        key = document.source.key
        made = control_id(self._login.company_id, self._login.entity_id, key, "repetition", "create", 0)
        return Call(made, replace(document, draft=True), self._customer)

    async def _records(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[list[str]]:
        """The record numbers of each document: looked up until every record that Sage named is shown, or time is up."""
        named = {answer.record_no for answer in answers if isinstance(answer, Done)}
        keys = [DocumentKey(each.document.sage_object, each.document.number, each.party_id) for each in calls]
        for _ in range(LOOKS):
            found = await self._first.find(self._login, keys)
            records = [
                [each.record_no for each in there if each.bears(marker(call.document.source.key))]
                for call, there in zip(calls, found, strict=True)
            ]
            if named <= {each for own in records for each in own}:
                break
            await self._time.sleep(BETWEEN_LOOKS)
        return records

    async def _delete(self, calls: Sequence[Call], records: Sequence[Sequence[str]]) -> tuple[str, ...]:
        """Delete the drafts, and return the numbers of those that are left."""
        deletes = {
            record_no: DeleteCall(f"{call.control_id[:40]}{record_no}", call.document.sage_object, record_no)
            for call, own in zip(calls, records, strict=True)
            for record_no in own
        }
        answers = await self._first.post(self._login, [*deletes.values()]) if deletes else []
        gone = {answer.record_no for answer in answers if isinstance(answer, Done)}
        return tuple(
            call.document.number for call, own in zip(calls, records, strict=True) for each in own if each not in gone
        )


def _event(number: str, subsidiary: str, customer: str, now: datetime) -> bytes:
    """An invoice event of one line over 1.00, of today."""
    day, moment = now.date().isoformat(), now.isoformat()
    money = {"amount": "1.00", "currency": 840}
    return orjson.dumps(
        {
            "id": number,
            "type": "invoice.created",
            "timestamp": moment,
            "version": "v1",
            "data": {
                "subsidiary": {"id": subsidiary, "name": subsidiary},
                "invoice": {
                    "id": number,
                    "number": number,
                    "type": "LoadInvoice",
                    "createdDate": moment,
                    "invoicedDate": f"{day}T00:00:00Z",
                    "dueDate": f"{day}T00:00:00Z",
                    "total": money,
                    "lineItems": [{"id": "1", "category": "Load", "name": "Linehaul", "amount": money}],
                },
                "customer": {"id": customer, "name": customer, "externalAccountingId": customer},
                "loads": [],
            },
        }
    )
