"""One poll of one company: read the rows changed since the last poll, and backfill documents that became known since.

Nothing is missed:

* Each poll starts an overlap before the watermark, once a day a wide one. `reconcile` finds what even that leaves out.
* The watermark is the greatest time stamp that Sage returned, never a time of our clock.
* Rows are read in the order of their changes. A row that changes during the reading moves to a later page, never to one
  already read.
* A row is dropped as "not our document" only after the ledgers were read to their ends. Its document can then become
  ours only if it had a claim without outcome at that moment. Those documents, documents that became known while no
  poller ran, and documents of subsidiaries that were resumed, are backfilled: queried by number, once.
* The records, the published facts and the watermark of a page are written in one Kafka transaction.
"""

from dataclasses import replace

import structlog

from consumers.payments.balances import Pass, Reconciliation
from consumers.payments.companies import PolledCompany, scope
from consumers.payments.config import PollContext
from consumers.payments.cursor import Backfilled, Cursor, CursorRecord, PaymentReplay
from consumers.payments.exported_documents import Name
from consumers.payments.partition import CursorPartition, PaymentRecord
from consumers.payments.publisher import PaymentPublisher
from domain.categories import Side
from domain.payments import PaymentKind, latest, moment, since
from sage_client import Login
from sage_client.errors import PermissionDeniedError

log = structlog.get_logger(__name__)

AT_ONCE = 1_000
"""Documents per query of a backfill."""


class CompanyPoll:
    """The polls of one company. They run one at a time.

    Args:
        company_id: The Sage company.
        partition: The partition of the cursor topic that holds the company's cursor.
        around: What all companies of the poller share.
    """

    def __init__(self, company_id: str, partition: CursorPartition, around: PollContext) -> None:
        self.publisher = PaymentPublisher(company_id, partition, around)
        self._around = around
        self._reconciliation = Reconciliation(self.publisher)
        documents = self.publisher.documents
        self._before = len(documents.order)
        """Number of documents known at the start. The stored cursor says whether they were backfilled."""
        self._seen = 0
        self._scopes: frozenset[str] = frozenset()
        self._in_doubt_keys: set[str] = set()
        """Documents, as `ledger key`, that had an open claim when a row of an unknown document was dropped."""
        self._pending: dict[Name, None] = {}

    @property
    def missing(self) -> frozenset[str]:
        """Keys of documents that should exist in Sage and that Sage did not show at the last reconciliation."""
        return frozenset(self._reconciliation.missing)

    async def poll(self, company: PolledCompany, passing: Pass = Pass.DUE) -> None:
        """Publish new payments, backfill documents, and reconcile a slice of the documents if that is due.

        Args:
            company: The company, with its sessions and the sides that import payments.
            passing: How much of the reconciliation to do.

        Raises:
            SageError, BudgetSpentError, CredentialsMissingError: Sage could not be read; what was published is kept.
            PartitionClosedError: Another poller owns the partition now.
            TimeoutError: The ledgers could not be read to their ends.
        """
        denied: dict[Side, PermissionDeniedError] = {}
        for name, connection in company.sessions.items():
            login = self._around.login(connection)
            for side in company.sides:
                try:
                    await self._changes(company, name, login, side)
                except PermissionDeniedError as error:  # the other side may still be allowed
                    denied[side] = error
        allowed = company.without(denied)
        await self._backfill(allowed)
        await self._reconciliation.go_on(allowed, passing)
        if denied:
            raise next(iter(denied.values()))

    async def _changes(self, company: PolledCompany, view: str, login: Login, side: Side) -> None:
        publisher, rules = self.publisher, self._around.rules
        cursor = publisher.company_cursor.cursors.get((view, side))
        if cursor is None:
            # First poll: payments older than Sage's newest stamp are found by the backfill, document by document.
            newest = await publisher.reader.newest(login, side)
            await publisher.write([Cursor(view, side, newest, publisher.now())], [])
            return
        wide = publisher.now() - cursor.wide_at >= rules.wide_every
        begin = since(cursor.watermark, rules.wide_overlap if wide else rules.overlap) if cursor.watermark else None
        after = None
        if (replay := cursor.replay) is not None:
            begin = begin and min(begin, replay.since, key=moment)
            after = replay.after
        while True:
            page = await publisher.reader.changed(login, side, begin, after)
            if publisher.unknown_documents(side, page.details):
                await self._around.documents.barrier()
                self._in_doubt_keys |= publisher.documents.in_doubt
            changes, records = await publisher.to_publish(company, login, side, page.details, replay)
            after = page.next
            moved = replace(
                cursor,
                watermark=latest(cursor.watermark, *(each.modified for each in page.details)),
                wide_at=publisher.now() if wide and after is None else cursor.wide_at,
                replay=replace(replay, after=after) if replay is not None and after is not None else None,
            )
            if replay is not None and after is None:
                more, again = await self._replay_removed(company, login, side, replay, changes)
                changes, records = changes + more, records + again
            await publisher.write([*changes, moved] if moved != cursor else changes, records)
            cursor = moved
            if after is None:
                return

    async def _replay_removed(
        self, company: PolledCompany, login: Login, side: Side, replay: PaymentReplay, changes: list[CursorRecord]
    ) -> tuple[list[CursorRecord], list[PaymentRecord]]:
        """At the end of a replay: facts it covers that have no row in Sage any more, to be published again."""
        now = {id_of(each) for each in changes}
        again = [
            published.fact
            for name, published in self.publisher.company_cursor.published.items()
            if name not in now
            and published.replay != replay.id
            and published.fact.document.side is side
            and company.is_imported(published.fact.document.subsidiary_id, side)
            and (
                published.fact.kind is PaymentKind.DIFFERENCE
                or (published.fact.modified and moment(published.fact.modified) >= moment(replay.since))
            )
        ]
        return await self.publisher.publish([login], again, replay)

    async def _backfill(self, company: PolledCompany) -> None:
        """Backfill: query by number the documents whose payments the polls may already have passed."""
        publisher = self.publisher
        backfilled = self._plan_backfill(company)
        if self._pending:
            log.info("payments asked for by document", company=company.id, documents=len(self._pending))
        while self._pending:
            kind = next(iter(self._pending))[0]
            names = [name for name in self._pending if name[0] is kind][:AT_ONCE]
            for connection in company.sessions.values():
                login = self._around.login(connection)
                details = await publisher.reader.details(login, kind, [number for _, number in names])
                side = publisher.documents.found[names[0]].side
                await publisher.write(*await publisher.to_publish(company, login, side, details))
            for name in names:
                del self._pending[name]
        self._in_doubt_keys &= publisher.documents.in_doubt
        if backfilled != publisher.company_cursor.backfilled:
            await publisher.write([backfilled], [])

    def _plan_backfill(self, company: PolledCompany) -> Backfilled:
        """List the documents to backfill. The returned progress may be stored only after they have been queried."""
        documents, backfilled = self.publisher.documents, self.publisher.company_cursor.backfilled
        begun = company.subsidiaries_and_sides - self._scopes
        first = 0 if begun else self._seen
        moved = False
        for number in range(first, len(documents.order)):
            name = documents.order[number]
            document = documents.found[name]
            if not company.is_imported(document.subsidiary_id, document.side):
                continue
            where = scope(document.subsidiary_id, document.side)
            if number < self._seen and where not in begun:
                continue
            moved = True
            partition, offset = documents.places[name]
            if where not in backfilled.scopes:
                due = True
            elif number < self._before:
                due = offset >= backfilled.places.get(partition, 0)
            else:
                claimed = documents.claim_keys.get(name)
                due = claimed is None or claimed in self._in_doubt_keys
            if due:
                self._pending[name] = None
        self._seen, self._scopes = len(documents.order), company.subsidiaries_and_sides
        if not moved and backfilled.scopes == company.subsidiaries_and_sides:
            return backfilled
        return Backfilled(self._around.documents.places, company.subsidiaries_and_sides)


def id_of(change: CursorRecord) -> str:
    """The payment id of a change that stores a published fact; "" for any other change."""
    return getattr(getattr(change, "fact", None), "payment_id", "")
