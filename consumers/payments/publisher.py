"""Turn payment rows of one Sage company into records: keep rows of our documents, find the news, add the balance."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import structlog

from consumers.payments import metrics
from consumers.payments.budget import Budget
from consumers.payments.companies import PolledCompany
from consumers.payments.config import PollContext
from consumers.payments.cursor import CompanyCursor, CursorRecord, PaymentReplay, PublishedFact
from consumers.payments.exported_documents import CompanyExports, Name
from consumers.payments.partition import CursorPartition, PaymentRecord
from domain.categories import Side
from domain.documents import SageObject
from domain.payments import (
    USED,
    ZERO,
    Application,
    DocumentBalance,
    ExportedDocument,
    PaymentDetail,
    PaymentFact,
    PaymentHeader,
    PaymentKind,
    PaymentStatus,
    applications,
    changes_since,
    counts,
    explained,
    paid,
    payment_fact,
    payment_id,
    payment_status,
)
from producers.payments import encode
from sage_client import Login
from sage_client.payments import PaymentsReader

log = structlog.get_logger(__name__)

_SLUGS = (
    *(PaymentKind.PAYMENT, PaymentKind.DISCOUNT, PaymentKind.CREDIT, PaymentKind.ADVANCE, PaymentKind.OVERPAYMENT),
    *(USED, f"{USED}2", f"{USED}3"),
)
"""The last parts of all payment ids that one row can produce."""


@dataclass(frozen=True, slots=True)
class CandidatePayment:
    """A payment row, the amount it applies to one exported document, and the fact last published about it."""

    detail: PaymentDetail
    application: Application
    document: ExportedDocument
    published: PublishedFact | None

    @property
    def name(self) -> Name:
        """The document's object and record number."""
        return self.document.object, self.document.record_no

    @property
    def content(self) -> tuple[str, str]:
        """The time stamp and state of the row; either differs once Sage has changed the row."""
        return self.detail.modified, self.detail.state

    def payment_id(self, company_id: str) -> str:
        """The id of the fact."""
        return payment_id(company_id, self.document.side, self.detail.record_no, self.application.slug)

    @property
    def may_have_changed(self) -> bool:
        """Whether this case may be news, judged by the row alone (without its payment header)."""
        meaning = payment_status(self.detail.state, self.document.side)
        if self.published is None:
            return meaning in {PaymentStatus.FINAL, PaymentStatus.UNKNOWN} and bool(self.application.amount)
        before = self.published.fact
        if (before.modified, before.state) != self.content:
            return True
        # For an unknown state, whether it counts as money was decided when the fact was published.
        amount = self.application.amount if meaning is PaymentStatus.FINAL else ZERO
        return meaning is not PaymentStatus.UNKNOWN and before.amount != amount


class PaymentPublisher:
    """Publisher of one company's payments, shared by its polls and its reconciliation.

    Every query to Sage goes through `reader`, which counts it against the hourly budget.

    Args:
        company_id: The Sage company.
        partition: The partition of the cursor topic that holds the company's cursor; all writes go through it.
        around: What all companies of the poller share.
    """

    def __init__(self, company_id: str, partition: CursorPartition, around: PollContext) -> None:
        self.company_id = company_id
        self.around = around
        self.company_cursor: CompanyCursor = partition.cursor_of(company_id)
        self.documents: CompanyExports = around.documents.of(company_id)
        self.budget = Budget(around.rules.calls_per_hour, around.time.monotonic)
        self.reader = PaymentsReader(around.page, self._one_more)
        self.records = 0
        """Number of records written so far."""
        self._partition = partition
        self._puzzling: set[tuple[str, str]] = set()
        """Unknown (row state, payment state) pairs that were already logged."""
        self._not_money: dict[str, tuple[str, str]] = {}
        """Rows in unknown states that the balance does not include: payment id to `CandidatePayment.content`."""

    def _one_more(self) -> None:
        self.budget.take()
        metrics.CALLS.labels(self.company_id).inc()

    def now(self) -> datetime:
        """The current time, for people to read. Watermarks never come from it."""
        return self.around.time.now()

    async def write(self, changes: list[CursorRecord], records: list[PaymentRecord]) -> None:
        """Write the cursor changes and the records in one transaction: all or nothing.

        Raises:
            PartitionClosedError: Another poller owns the partition now.
        """
        await self._partition.write(self.company_id, changes, records)
        self.records += len(records)
        for record in records:
            metrics.RECORDS.labels(self.company_id, record.kind).inc()

    def unknown_documents(self, side: Side, details: Iterable[PaymentDetail]) -> bool:
        """Whether any of these rows names a document that we are not known to have exported."""
        return any(
            (each.object, each.record_no) not in self.documents.found
            for detail in details
            for each in applications(side, detail)
        )

    async def to_publish(
        self,
        company: PolledCompany,
        login: Login,
        side: Side,
        details: Iterable[PaymentDetail],
        replay: PaymentReplay | None = None,
    ) -> tuple[list[CursorRecord], list[PaymentRecord]]:
        """Decide what to publish of these rows.

        Args:
            company: The company, with the subsidiaries and sides that import payments.
            login: The session in which the rows were read.
            side: AR or AP; all rows are of this side.
            details: The payment rows.
            replay: A replay that is under way: known facts are published again, once.

        Returns:
            The changes of the cursor and the records for `sage-payments`, to be written together.

        Raises:
            SageError, BudgetSpentError: A payment or a balance could not be read; nothing was decided.
        """
        cases = [each for detail in details for each in self._cases(company, side, detail)]
        again = {id(each) for each in cases if _again(each.published, replay)}
        cases = [each for each in cases if (each.may_have_changed and not self._decided(each)) or id(each) in again]
        headers: dict[str, PaymentHeader] = {}
        if numbers := {each.detail.payment_no for each in cases if each.detail.payment_no}:
            headers = await self.reader.headers(login, side, numbers)
        changes: list[CursorRecord] = []
        tell: list[PaymentFact] = []
        counted = await self._counted(login, cases, headers)
        for case in cases:
            header = headers.get(case.detail.payment_no)
            now = payment_fact(case.document, case.detail, case.application, header, unknown_counts=id(case) in counted)
            published = case.published.fact if case.published is not None else None
            new = changes_since(now, published, again=id(case) in again)
            if new is not None:
                tell.append(new)
            elif case.published is not None and published is not None:
                # Sage changed the row without news for us: remember its new stamp, so that it is not examined again.
                changes.append(
                    PublishedFact(replace(published, modified=now.modified, state=now.state), case.published.replay)
                )
        more, records = await self.publish([login], tell, replay)
        return changes + more, records

    async def _counted(
        self, login: Login, cases: Sequence[CandidatePayment], headers: Mapping[str, PaymentHeader]
    ) -> set[int]:
        """Find the cases in an unknown state that count as money, as `id`s of the case objects.

        A fact that was published as money stays money. A new row counts as money if the document's balance shows more
        paid than the known rows explain. So an unknown state never makes a payment vanish, nor a void count as paid.
        """
        known = [(each, counts(each.document.side, each.detail, headers.get(each.detail.payment_no))) for each in cases]
        unknown = [case for case, is_money in known if is_money is None]
        if not unknown:
            return set()
        self._puzzled(unknown, headers)
        money = {id(each) for each in unknown if each.published is not None and each.published.fact.amount}
        doubtful = [each for each in unknown if id(each) not in money]
        balances = await self.balances([login], {each.name for each in doubtful})
        rest = {name: balance.paid - self._known(name, known) for name, balance in balances.items()}
        for case in doubtful:
            amount = case.application.amount
            if explained(amount, rest.get(case.name, ZERO)):
                rest[case.name] -= amount
                money.add(id(case))
            else:
                self._not_money[case.payment_id(self.company_id)] = case.content
        return money

    def _known(self, name: Name, cases: Iterable[tuple[CandidatePayment, bool | None]]) -> Decimal:
        """The amount paid on a document: published facts, but `cases` of a known state with their present amounts."""
        total = paid(each.fact for each in self.company_cursor.about(self.documents.found[name]))
        for case, is_money in cases:
            if case.name == name and is_money is not None:
                before = case.published.fact.amount if case.published is not None else ZERO
                total += (case.application.amount if is_money else ZERO) - before
        return total

    def _decided(self, case: CandidatePayment) -> bool:
        """Whether the row, with exactly this content, was already judged to be no money."""
        return self._not_money.get(case.payment_id(self.company_id)) == case.content

    def _puzzled(self, cases: Iterable[CandidatePayment], headers: Mapping[str, PaymentHeader]) -> None:
        """Log each unknown pair of states once, and count every occurrence."""
        for case in cases:
            metrics.UNKNOWN_STATES.labels(self.company_id).inc()
            header = headers.get(case.detail.payment_no)
            words = case.detail.state, header.state if header is not None else ""
            if words in self._puzzling:
                continue
            self._puzzling.add(words)
            log.warning(
                "a payment is in a state that is not known; the document's balance says whether it is money",
                company=self.company_id,
                row_state=words[0],
                payment_state=words[1],
                document=case.document.key,
            )

    async def publish(
        self, logins: Collection[Login], facts: Collection[PaymentFact], replay: PaymentReplay | None = None
    ) -> tuple[list[CursorRecord], list[PaymentRecord]]:
        """Build the records of these facts, each with its document's present balance.

        Args:
            logins: The sessions in which balances are looked up.
            facts: The facts to publish.
            replay: The replay that publishes them; None: each fact keeps the replay id it had.

        Raises:
            SageError, BudgetSpentError: A balance could not be read.
        """
        names = {(each.document.object, each.document.record_no) for each in facts}
        balances = await self.balances(logins, names)
        at = self.now()
        changes: list[CursorRecord] = []
        records = []
        for each in facts:
            balance = balances.get((each.document.object, each.document.record_no))
            before = self.company_cursor.published.get(each.payment_id)
            mark = replay.id if replay is not None else before.replay if before is not None else ""
            changes.append(PublishedFact(each, mark))
            records.append(PaymentRecord(each.document.key, encode(each, balance, at), each.kind))
        return changes, records

    async def balances(self, logins: Collection[Login], names: Collection[Name]) -> dict[Name, DocumentBalance]:
        """Read the balances of documents. Each session is queried for those that earlier sessions did not show.

        A document that no session shows is absent from the result.
        """
        found: dict[Name, DocumentBalance] = {}
        for login in logins:
            for kind in SageObject:
                if numbers := [number for kin, number in names if kin is kind and (kin, number) not in found]:
                    read = await self.reader.balances(login, kind, numbers)
                    found |= {(kind, number): balance for number, balance in read.items()}
        return found

    def _cases(self, company: PolledCompany, side: Side, detail: PaymentDetail) -> Iterator[CandidatePayment]:
        found = {each.slug: each for each in applications(side, detail)}
        for slug in _SLUGS:
            published = self.company_cursor.published.get(payment_id(self.company_id, side, detail.record_no, slug))
            application = found.get(slug)
            if application is None:
                if published is None:
                    continue
                # Sage now shows no amount where we had published one: publish zero.
                document = published.fact.document
                application = Application(slug, published.fact.kind, document.object, document.record_no, ZERO)
            ours = self.documents.found.get((application.object, application.record_no))
            if ours is not None and company.is_imported(ours.subsidiary_id, side):
                yield CandidatePayment(detail, application, ours, published)


def _again(published: PublishedFact | None, replay: PaymentReplay | None) -> bool:
    return replay is not None and published is not None and published.replay != replay.id
