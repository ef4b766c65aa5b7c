"""The exported documents by company, object and record number, read from the ledgers and followed by each poller.

1. After `async with` has entered, every document in the ledgers is known.
2. When `barrier` returns, everything that was committed to a ledger before the call is known. A claim is committed
   before its document is in Sage. So a payment row whose document is still unknown after a barrier belongs either to a
   document that is not ours, or to one whose claim had no outcome yet: the company's `open` set lists those.
3. A record number that was ours stays ours: payments on a record that a correction reversed belong to the document.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from consumers.export.ledger.codec import decode, key_of
from consumers.export.protocol.document_state import INTERNAL, DocumentState, FormerRecord, Posted
from domain.documents import SageObject
from domain.payments import ExportedDocument
from kafka_client.follower import FollowerEndedError, PartitionFollower
from kafka_client.high_watermarks import HighWatermarks
from kafka_client.interface import KafkaClients

log = structlog.get_logger(__name__)

PATIENCE = 120.0
"""Seconds that a barrier may take. After a worker was killed, its transaction stays open for up to a minute."""

Name = tuple[SageObject, str]
"""Object and record number."""
Places = dict[str, int]
"""Offset by ledger partition, which is written `topic/number`."""


@dataclass(slots=True)
class CompanyExports:
    """The exported documents of one Sage company."""

    found: dict[Name, ExportedDocument] = field(default_factory=dict)
    places: dict[Name, tuple[str, int]] = field(default_factory=dict)
    """Ledger partition and offset of the record that first made each document known."""
    order: list[Name] = field(default_factory=list)
    """The documents in the order in which this process learned of them."""
    in_doubt: set[str] = field(default_factory=set)
    """Documents with an open claim, as `ledger key`: they may be in Sage under a number that is not known yet."""
    standing: set[Name] = field(default_factory=set)
    """Documents that should exist in Sage: posted, and not known to be reversed or deleted."""
    claim_keys: dict[Name, str] = field(default_factory=dict)
    """For a document whose claim this process had seen open before it was posted: that claim, as `ledger key`."""

    def add(self, document: ExportedDocument, place: tuple[str, int], claimed: str | None) -> None:
        """Add a document. A known document is updated but keeps its position in `order` and in `places`.

        Args:
            document: The document as exported.
            place: Ledger partition and offset of the record that names it.
            claimed: Its claim as `ledger key`, if the claim was seen open before; else None.
        """
        name = document.object, document.record_no
        if name not in self.found:
            self.order.append(name)
            self.places[name] = place
            if claimed is not None:
                self.claim_keys[name] = claimed
        self.found[name] = document


class ExportedDocuments:
    """Reader that follows all partitions of the ledgers, without a consumer group.

    Args:
        ledgers: All partitions of all ledger topics.
        clients: The factory of Kafka clients.
    """

    def __init__(self, ledgers: Sequence[TopicPartition], clients: KafkaClients) -> None:
        self._ledgers = ledgers
        self._follower = PartitionFollower(
            clients.reader(), HighWatermarks(clients, hurried=True), self._apply, name="follow ledgers"
        )
        self._companies: dict[str, CompanyExports] = {}
        self._claims: dict[str, str] = {}
        """Company of each open claim, by `ledger key`."""
        self._standing: dict[str, tuple[str, Name]] = {}
        """Company and name of the record that each document has in Sage now, by `ledger key`."""

    async def __aenter__(self) -> Self:
        try:
            await self._follower.start(self._ledgers)
            await self._to_the_end()
        except BaseException:
            await self.__aexit__()
            raise
        log.info("ledgers read", documents=sum(len(each.found) for each in self._companies.values()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._follower.stop()

    def of(self, company_id: str) -> CompanyExports:
        """The documents of a company. The returned object is live: this reader goes on adding to it."""
        return self._companies.setdefault(company_id, CompanyExports())

    @property
    def places(self) -> Places:
        """The position in each ledger partition: the next offset to read."""
        return {_name(partition): position for partition, position in self._follower.positions.items()}

    async def barrier(self) -> None:
        """Wait until everything that was committed before this call is known.

        Raises:
            TimeoutError: A transaction stayed open on a ledger, or the broker does not answer.
            LedgerUnreadableError: A ledger record cannot be read; the reader has stopped.
        """
        async with asyncio.timeout(PATIENCE):
            await self._to_the_end()

    def check(self) -> None:
        """Raise the error that ended the reader, if one did."""
        self._follower.check()

    async def _to_the_end(self) -> None:
        try:
            await self._follower.barrier()
        except FollowerEndedError:
            self.check()  # the error itself says what is wrong
            raise

    def _apply(self, record: ConsumerRecord) -> None:
        partition = _name(TopicPartition(record.topic, record.partition))
        key = key_of(record.key)
        if key.startswith(INTERNAL):
            return
        claimed = f"{partition.rpartition('/')[0]} {key}"
        company = self._claims.pop(claimed, None)
        if company is not None:
            self.of(company).in_doubt.discard(claimed)
        if (stood := self._standing.pop(claimed, None)) is not None:
            self.of(stood[0]).standing.discard(stood[1])
        if record.value is None:
            return
        entry = decode(key, record.value)
        if (posted := entry.posted) is not None:
            name = posted.sage_object, posted.record_no
            self._standing[claimed] = posted.connection.company_id, name
            self.of(posted.connection.company_id).standing.add(name)
        if entry.claim is not None:
            self._claims[claimed] = entry.claim.connection.company_id
            self.of(entry.claim.connection.company_id).in_doubt.add(claimed)
        for document in _documents(entry):
            self.of(document.company_id).add(
                document, (partition, record.offset), claimed if company is not None else None
            )


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"


def _documents(entry: DocumentState) -> list[ExportedDocument]:
    """List the Sage records of an entry's document: the present one, and those that corrections removed."""
    ours: list[Posted | FormerRecord] = [*entry.former_records, *([entry.posted] if entry.posted is not None else [])]
    return [
        ExportedDocument(
            key=entry.key,
            subsidiary_id=each.connection.subsidiary_id,
            company_id=each.connection.company_id,
            entity_id=each.connection.entity_id,
            object=each.sage_object,
            record_no=each.record_no,
            number=each.number,
            party_id=each.party_id,
        )
        for each in ours
        if each.record_no.isascii() and each.record_no.isdecimal()  # a record with any other number has no payments
    ]
