"""Documents in the simulator that the ledgers know as ours, the poller on the real broker, and the topic, folded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import orjson
from aiokafka import TopicPartition
from pydantic import SecretStr

from app.credentials import Credentials
from app.payments_poller import poller_of
from app.settings import Settings
from consumers.export.ledger.codec import encode
from consumers.export.protocol.document_state import Claim, DocumentState, Posted
from consumers.payments.cursor import PaymentReplay
from consumers.payments.poller import Poller
from consumers.payments.schedule import PollReport
from domain.documents import Connection, SageObject
from simulator import Simulator
from simulator.payments import Parts, Payment
from tests.support.gateway_client import LINE, GatewayClient, ManualClock, bill, invoice
from tests.support.kafka import producing, read_to_end
from tests.support.world import SUBSIDIARY, World

COMPANY = "BLUEMESA"
PARTS = {
    "payment": "payment",
    "discount": "discount",
    "adjustment": "credit",
    "negative_invoice": "credit",
    "inline": "credit",
    "advance": "advance",
    "overpayment": "overpayment",
}
"""The simulator's parts of a payment, and the kinds of ours."""


class Books:
    """One company's documents and payments, and what the service makes of them."""

    def __init__(self, bootstrap: str, prefix: str, url: str, http: aiohttp.ClientSession) -> None:
        self.client = GatewayClient(http, url)
        self.world = World(bootstrap, prefix)
        self.settings = Settings(
            kafka_bootstrap_servers=bootstrap,
            topic_prefix=prefix,
            group_id=f"{prefix}group",
            partitions=2,
            gateway_url=url,
            sender_password=SecretStr("sender-secret"),
            credentials={"bluemesa": Credentials(user="alvys_ws", password=SecretStr("user-secret"))},
            payments_calls_per_hour=10_000,
            session_timeout_ms=6_000,
        )
        self.topics = self.settings.topics
        self.ours: dict[tuple[SageObject, str], str] = {}

    async def set_up(self) -> None:
        await self.world.set_up()
        await self.connect()

    async def connect(self, subsidiary: str = SUBSIDIARY, entity: str | None = "100", **changes: Any) -> None:
        place = {"entityId": entity} if entity else {}
        await self.world.connect(subsidiary, COMPANY, credentials="bluemesa", **place, **changes)

    # Documents.

    async def invoice(self, number: str, amount: str = "100.00", *, known: bool = True, sub: str = SUBSIDIARY) -> int:
        """An AR invoice in Sage; `known`: the ledgers have it as ours."""
        root = await self.client.ok(invoice(number, LINE.replace("2450.00", amount)))
        record_no = int(root.findtext(".//result/key"))
        if known:
            await self.know(SageObject.AR_INVOICE, str(record_no), number, sub)
        return record_no

    async def bill(self, number: str, amount: str = "100.00", *, known: bool = True) -> int:
        root = await self.client.ok(bill(number, amount=amount))
        record_no = int(root.findtext(".//data/apbill/RECORDNO"))
        if known:
            await self.know(SageObject.AP_BILL, str(record_no), number)
        return record_no

    async def know(self, kind: SageObject, record_no: str, number: str, sub: str = SUBSIDIARY) -> None:
        """The ledger's record of a posted document."""
        await self.ledger(self.entry(kind, record_no, number, sub))

    def entry(self, kind: SageObject, record_no: str, number: str, sub: str = SUBSIDIARY) -> DocumentState:
        connection = Connection(sub, COMPANY, "100", "bluemesa")
        key = f"{'invoice' if kind is SageObject.AR_INVOICE else 'bill'}/{number}"
        self.ours[kind, record_no] = key
        return DocumentState(key, posted=Posted("r", record_no, f"c-{key}", connection, kind, number, "CUST-10021"))

    def claimed(self, entry: DocumentState) -> DocumentState:
        """The ledger's record before its call was answered."""
        assert entry.posted is not None
        posted = entry.posted
        claim = Claim(
            "r", posted.control_id, 0, posted.connection, posted.sage_object, posted.number, posted.party_id,
            Decimal(1), datetime.now(UTC) + timedelta(minutes=1),
        )  # fmt: skip
        return replace(entry, posted=None, claim=claim)

    async def ledger(self, *entries: DocumentState) -> None:
        topic = self.topics.ledger(self.topics.invoice_created)
        async with producing(self.world.bootstrap) as producer:
            for entry in entries:
                await producer.send(topic, encode(entry), entry.key.encode())
            await producer.flush()

    # Payments, in a simulator of this process.

    sim: Simulator
    clock: ManualClock

    def pay(self, side: Any, applied: dict[int, str | Parts], **given: Any) -> int:
        return self.sim.store.payments.record(COMPANY, side, Payment(applied, **given))

    @property
    def payments(self) -> Any:
        return self.sim.store.payments

    def truth(self, details: list[dict[str, Any]] | None = None) -> dict[str, Decimal]:
        """What folding must give: the simulator's database, by payment id, without what is zero."""
        facts: dict[str, Decimal] = {}
        for row in self.payments.facts([COMPANY])["details"] if details is None else details:
            if not row["final"]:
                continue
            side = row["side"].lower()
            plain = SageObject.AR_INVOICE if side == "ar" else SageObject.AP_BILL
            name = f"{COMPANY}/{side}/{row['recordno']}"
            for part, amount in row["amounts"].items():
                if (plain, str(row["document"])) in self.ours:
                    slug = f"{name}/{PARTS[part]}"
                    facts[slug] = facts.get(slug, Decimal(0)) + Decimal(amount)
                if part == "negative_invoice" and (plain, str(row["sources"][part])) in self.ours:
                    facts[f"{name}/used"] = -Decimal(amount)
        return facts

    # The service.

    @asynccontextmanager
    async def poller(self, **changes: object) -> AsyncIterator[Poller]:
        async with poller_of(self.settings.model_copy(update=changes)) as poller:
            yield poller

    async def poll(
        self, replay: PaymentReplay | None = None, *, reconcile: bool = False, well: bool = True, **changes: object
    ) -> list[PollReport]:
        """One poll by a poller that has just been started."""
        async with self.poller(**changes) as poller:
            polled = await poller.once(replay=replay, reconcile_all=reconcile)
        assert not well or not [each for each in polled if each.error], polled
        return polled

    async def records(self) -> list[dict[str, Any]]:
        """Every committed record, by partition and offset."""
        partitions = [TopicPartition(self.topics.sage_payments, number) for number in range(2)]
        found = await read_to_end(self.world.bootstrap, partitions)
        assert all(each.key.decode() == orjson.loads(each.value)["documentKey"] for each in found)
        return [orjson.loads(each.value) for each in sorted(found, key=lambda each: (each.partition, each.offset))]

    async def until_published(self, count: int, poller: Poller | None = None) -> None:
        """Wait for so many records; with a poller, for its partitions first."""
        async with asyncio.timeout(60):
            while poller is not None and len(poller.assigned) < 2:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.05)
            while len(await self.records()) < count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.1)

    async def folded(self) -> dict[str, Decimal]:
        """The present truth as the topic tells it, without what is zero."""
        latest = {each["paymentId"]: Decimal(each["amount"]) for each in await self.records()}
        return {name: amount for name, amount in latest.items() if amount}

    def requests(self) -> int:
        """How many functions have reached the gateway, but for sign-ins."""
        counts = self.sim.traffic.counts(0)["functions"]
        return sum(number for name, number in counts.items() if name in {"query", "lookup"})
