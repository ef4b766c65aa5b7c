"""The slow reconciliation: it finds what polling cannot see, rows that were deleted or changed without a newer stamp.

A pass compares, a slice of documents at each poll, Sage's balance of every document of a company with the published
payments. Where they differ, the document's rows are read again. New facts are published, a fact whose row has vanished
is published as a void, and the rest is published as a difference, if the balance was the same before and after the rows
were read. A difference that has closed is published with amount 0.

A document that should exist in Sage, and that Sage shows in no session, was deleted there by hand, or the user may not
see it. It is reported in the log, in a metric, and in the answer of `payments --reconcile`.
"""

from dataclasses import replace
from enum import Enum, auto

import structlog

from consumers.payments import metrics
from consumers.payments.companies import PolledCompany
from consumers.payments.cursor import ReconciliationProgress
from consumers.payments.publisher import PaymentPublisher
from domain.documents import SageObject
from domain.payments import (
    ZERO,
    DocumentBalance,
    ExportedDocument,
    PaymentDetail,
    PaymentFact,
    PaymentKind,
    as_void,
    difference,
)
from sage_client import Login

log = structlog.get_logger(__name__)


class Pass(Enum):
    """The part of a pass over all documents that one call does."""

    DUE = auto()
    """The next slice, if a pass is due or under way."""
    WHOLE = auto()
    """All documents, from the first."""
    REST = auto()
    """All remaining documents of a pass that was interrupted."""


class Reconciliation:
    """The passes over one company's documents."""

    def __init__(self, publisher: PaymentPublisher) -> None:
        self._publisher = publisher
        self._left: list[ExportedDocument] | None = None
        """Documents that the pass under way still has to check; None: not determined yet."""
        self.missing: set[str] = set()
        """Keys of documents that should exist in Sage and that Sage did not show the last time."""

    async def go_on(self, company: PolledCompany, passing: Pass = Pass.DUE) -> None:
        """Do the part of a pass that `passing` asks for.

        Raises:
            SageError, BudgetSpentError, PartitionClosedError: As `CompanyPoll.poll`; a later call continues the pass.
        """
        publisher, rules = self._publisher, self._publisher.around.rules
        whole = passing is not Pass.DUE
        at = publisher.company_cursor.reconciled
        if at is None:
            at = ReconciliationProgress(publisher.now())  # the first poll has just backfilled every document
            await publisher.write([at], [])
        if not whole and at.after is None and publisher.now() - at.ended < rules.reconcile_every:
            return
        if self._left is None or whole:
            self._left = self._behind(company, None if passing is Pass.WHOLE else at.after)
        while self._left:
            part, self._left = self._left[: rules.reconcile_slice], self._left[rules.reconcile_slice :]
            try:
                await self._look_at(company, part)
            except BaseException:
                self._left = None
                raise
            if self._left:
                last = part[-1]
                await publisher.write([ReconciliationProgress(at.ended, (last.object, last.record_no))], [])
            if not whole:
                break
        if not self._left:
            self._left = None
            await publisher.write([ReconciliationProgress(publisher.now())], [])
            open_ones = [
                each for each in publisher.company_cursor.published.values() if each.fact.kind is PaymentKind.DIFFERENCE
            ]
            metrics.DIFFERENCES.labels(company.id).set(sum(1 for each in open_ones if each.fact.amount))
            metrics.MISSING.labels(company.id).set(len(self.missing))
            log.info("payments reconciled", company=company.id, documents=len(publisher.documents.found))

    def _behind(self, company: PolledCompany, after: tuple[str, str] | None) -> list[ExportedDocument]:
        found = [
            each
            for each in self._publisher.documents.found.values()
            if company.is_imported(each.subsidiary_id, each.side)
        ]
        found.sort(key=_place)
        place = None if after is None else (after[0], int(after[1]))
        return found if place is None else [each for each in found if _place(each) > place]

    async def _look_at(self, company: PolledCompany, part: list[ExportedDocument]) -> None:
        publisher = self._publisher
        logins = [publisher.around.login(each) for each in company.sessions.values()]
        names = [(each.object, each.record_no) for each in part]
        before = await publisher.balances(logins, names)
        self._look_for_missing(company, part, before)
        odd = [each for each in part if self._differs(each, before.get((each.object, each.record_no)))]
        for kind in SageObject:
            if documents := [each for each in odd if each.object is kind]:
                await self._read_again(company, logins, kind, documents, before)

    def _look_for_missing(
        self, company: PolledCompany, part: list[ExportedDocument], shown: dict[tuple[SageObject, str], DocumentBalance]
    ) -> None:
        for document in part:
            name = document.object, document.record_no
            if name in shown or name not in self._publisher.documents.standing:
                self.missing.discard(document.key)
            elif document.key not in self.missing:
                self.missing.add(document.key)
                log.warning(
                    "a document that was posted is not in sage any more, or the user may not see it",
                    document=document.key,
                    number=document.number,
                    record_no=document.record_no,
                    company=company.id,
                )

    def _differs(self, document: ExportedDocument, balance: DocumentBalance | None) -> bool:
        published = [each.fact for each in self._publisher.company_cursor.about(document)]
        if balance is None:
            return any(each.amount for each in published)
        open_one = any(each.kind is PaymentKind.DIFFERENCE and each.amount for each in published)
        return open_one or difference(document, balance, published) is not None

    async def _read_again(
        self,
        company: PolledCompany,
        logins: list[Login],
        kind: SageObject,
        documents: list[ExportedDocument],
        before: dict[tuple[SageObject, str], DocumentBalance],
    ) -> None:
        publisher = self._publisher
        numbers = [each.record_no for each in documents]
        rows: dict[str, PaymentDetail] = {}
        for login in logins:
            seen = list(await publisher.reader.details(login, kind, numbers))
            await publisher.write(*await publisher.to_publish(company, login, documents[0].side, seen))
            rows |= {each.record_no: each for each in seen}
        gone = [
            as_void(published.fact)
            for document in documents
            for published in publisher.company_cursor.about(document)
            if published.fact.amount and published.fact.detail_no and published.fact.detail_no not in rows
        ]
        await publisher.write(*await publisher.publish(logins, gone))
        after = await publisher.balances(logins, [(kind, number) for number in numbers])
        tell: list[PaymentFact] = []
        for document in documents:
            name = document.object, document.record_no
            published = [each.fact for each in publisher.company_cursor.about(document)]
            if before.get(name) != after.get(name):
                continue  # paid in the meantime: the next poll publishes it
            if name in after:
                remains = difference(document, after[name], published)
            else:
                open_ones = (each for each in published if each.kind is PaymentKind.DIFFERENCE and each.amount)
                remains = next((replace(each, amount=ZERO) for each in open_ones), None)
            if remains is not None:
                tell.append(remains)
                log.warning(
                    "payments and balance of a document differ",
                    document=document.key,
                    company=company.id,
                    amount=str(remains.amount),
                )
        await publisher.write(*await publisher.publish(logins, tell))


def _place(document: ExportedDocument) -> tuple[str, int]:
    return document.object.value, int(document.record_no)
