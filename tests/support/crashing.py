"""A worker that kills itself, by SIGKILL, at one instruction: ``python -m tests.support.crashing POINT worker``.

The service knows nothing of it: its functions are wrapped from outside, where one step of the sequence ends and the
next begins. A signal from outside falls anywhere; this one falls where the table of docs/exactly-once.md says.
"""

import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaProducer

from app.cli import main
from consumers.consolidated_bills.job import _Run
from consumers.export import worker
from consumers.export.ledger.transactions import PendingWrite, TransactionWriter
from consumers.export.partition import PartitionProcessor
from consumers.payments.partition import CursorPartition
from sage_client import Call, DeleteCall, ReverseCall, SageClient
from sage_client.payments import PaymentsReader

Function = Callable[..., Awaitable[Any]]

doing: dict[int, str] = {}
"""What the transaction under way is for, by its producer."""


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(holder: Any, name: str) -> None:
    """Die instead of calling."""
    getattr(holder, name)  # a name that is gone would never be called
    setattr(holder, name, die)


def after(holder: Any, name: str) -> None:
    """Die when the call has returned."""
    real: Function = getattr(holder, name)

    @functools.wraps(real)
    async def call(*arguments: Any, **more: Any) -> None:
        await real(*arguments, **more)
        die()

    setattr(holder, name, call)


def after_call(wanted: Callable[[Any], bool]) -> None:
    """Die when Sage has answered a request with such a call."""
    post: Function = SageClient.post

    async def call(self: SageClient, login: Any, calls: Any, **more: Any) -> Any:
        answers = await post(self, login, calls, **more)
        if any(map(wanted, calls)):
            die()
        return answers

    SageClient.post = call  # type: ignore[method-assign]


def purpose_of(notes: list[PendingWrite]) -> str:
    """What a transaction is for: the furthest step of a correction in it, else claims, else outcomes."""
    entries = [note.entry for note in notes if note.entry is not None]
    if any(entry.claim is not None and entry.claim.corrects for entry in entries):
        return "claim of a reversal"
    if any(entry.claim is not None and entry.former_records for entry in entries):
        return "claim of the new one"
    if any(entry.former_records and entry.posted is None for entry in entries):
        return "reversal"
    claims = any(note.entry is not None and note.entry.claim is not None and not note.outgoing for note in notes)
    return "claim" if claims else "outcome" if any(note.outgoing for note in notes) else "other"


def at_commit(purpose: str, *, committed: bool) -> None:
    """Die right before or right after the commit of the first transaction that is for `purpose`."""
    commit, commit_transaction = TransactionWriter._commit, AIOKafkaProducer.commit_transaction

    async def remember(self: TransactionWriter, notes: list[PendingWrite]) -> None:
        doing[id(self._producer)] = purpose_of(notes)
        await commit(self, notes)

    async def commit_or_die(self: AIOKafkaProducer) -> None:
        matters = doing.get(id(self)) == purpose
        if matters and not committed:
            die()
        await commit_transaction(self)
        if matters:
            die()

    TransactionWriter._commit = remember  # type: ignore[method-assign, assignment]
    AIOKafkaProducer.commit_transaction = commit_or_die


def at_payments(*, committed: bool) -> None:
    """Die right before or right after the commit of the first transaction that holds payment records."""
    write, commit_transaction = CursorPartition._commit, AIOKafkaProducer.commit_transaction
    telling: set[int] = set()

    async def remember(self: CursorPartition, company_id: str, changes: Any, records: Any) -> None:
        if records:
            telling.add(id(self._producer))
        await write(self, company_id, changes, records)

    async def commit_or_die(self: AIOKafkaProducer) -> None:
        if id(self) in telling and not committed:
            die()
        await commit_transaction(self)
        if id(self) in telling:
            die()

    CursorPartition._commit = remember  # type: ignore[method-assign]
    AIOKafkaProducer.commit_transaction = commit_or_die


POINTS: dict[str, Callable[[], None]] = {
    "fenced": lambda: after(worker, "fence"),
    "restored": lambda: after(worker, "restore"),
    "read": lambda: before(PartitionProcessor, "admit"),
    "mapped": lambda: before(PartitionProcessor, "claim"),
    "claim written, not committed": lambda: at_commit("claim", committed=False),
    "claimed": lambda: at_commit("claim", committed=True),
    "about to be sent": lambda: before(SageClient, "post"),
    "answered by Sage": lambda: after(SageClient, "post"),
    "outcome written, not committed": lambda: at_commit("outcome", committed=False),
    "outcome committed": lambda: at_commit("outcome", committed=True),
    "party made": lambda: after(SageClient, "change"),
    "about to be looked up": lambda: before(SageClient, "find"),
    "looked up": lambda: after(SageClient, "find"),
}
PAYMENT_POINTS: dict[str, Callable[[], None]] = {
    "payments read": lambda: after(PaymentsReader, "changed"),
    "payments written, not committed": lambda: at_payments(committed=False),
    "payments committed": lambda: at_payments(committed=True),
}
"""The same of the payments poller."""

JOB_POINTS: dict[str, Callable[[], None]] = {
    "rows read": lambda: before(_Run, "_send_due"),
    "event written, mark not": lambda: before(_Run, "_mark"),
    "mark written, not committed": lambda: after(_Run, "_mark"),
    "bill committed": lambda: after(_Run, "_send"),
}
"""The same of ``alvys-sage consolidate-bills``."""

CORRECTING: dict[str, Callable[[], None]] = {
    "reversal claimed": lambda: at_commit("claim of a reversal", committed=True),
    "reversal answered by Sage": lambda: after_call(lambda call: isinstance(call, ReverseCall | DeleteCall)),
    "reversal written, not committed": lambda: at_commit("reversal", committed=False),
    "reversal committed": lambda: at_commit("reversal", committed=True),
    "new one claimed": lambda: at_commit("claim of the new one", committed=True),
    "new one answered by Sage": lambda: after_call(lambda call: isinstance(call, Call)),
}

if __name__ == "__main__":
    (POINTS | JOB_POINTS | CORRECTING | PAYMENT_POINTS)[sys.argv[1]]()
    main(sys.argv[2:])
