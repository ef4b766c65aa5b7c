"""``python -m chaos.payments.hurried [GUARD]``: the poller as it is, but for how long it waits. Never a service.

A day between two passes of the slow reconciliation, half a minute after a failure: no run is that long. With a guard's
name that guard is broken, to show that the harness can fail:

=================  ==================================================================  ==============================
guard              what is broken                                                      reported
=================  ==================================================================  ==============================
cursor-alone       what was told is remembered without being told: the first write, and  missed, or a void's sum
                   each third after it                                                 invented or unbalanced
no-memory          nothing is remembered of what was told                              repeated
submitted-counts   AP payments count before they are posted                            invented
no-reconcile       the slow reconciliation never comes                                 unbalanced
=================  ==================================================================  ==============================
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from app import payments_poller as payments
from app.cli import main
from consumers.payments.config import PollConfig
from consumers.payments.cursor import CompanyCursor, CursorRecord, PublishedFact
from consumers.payments.partition import CursorPartition, PaymentRecord
from domain import payments as rules_of_payments

RECONCILE = 6.0
"""Seconds between two passes of the reconciliation."""
SLICE = 40
"""Documents that a poll looks at: a pass takes several, so that kills fall between them."""


def hurried(rules: PollConfig, *, reconcile: bool = True) -> PollConfig:
    """The same rules with short waits."""
    return replace(
        rules,
        reconcile_every=timedelta(seconds=RECONCILE) if reconcile else timedelta(days=1),
        reconcile_slice=SLICE,
        backoff=timedelta(seconds=0.5),
        backoff_cap=timedelta(seconds=2),
    )


def _cursor_alone() -> None:
    commit = CursorPartition._commit  # noqa: SLF001 - the guard itself
    writes = itertools.count()

    async def broken(
        self: CursorPartition, company_id: str, changes: Sequence[CursorRecord], records: Sequence[PaymentRecord]
    ) -> None:
        # The first write of payments is lost for certain: by chance alone, a run of few writes would lose none.
        lost = bool(records) and next(writes) % 3 == 0
        await commit(self, company_id, changes, () if lost else records)

    patch.object(CursorPartition, "_commit", broken).start()


def _no_memory() -> None:
    take = CompanyCursor.apply

    def apply(self: CompanyCursor, change: CursorRecord) -> None:
        if not isinstance(change, PublishedFact):
            take(self, change)

    patch.object(CompanyCursor, "apply", apply).start()


def _submitted_counts() -> None:
    patch.object(
        rules_of_payments, "_FINAL", frozenset({"posted", "complete", "approved", "submitted", "draft"})
    ).start()


def _no_reconcile() -> None:
    """Done by the rules."""


GUARDS: dict[str, Callable[[], None]] = {
    "cursor-alone": _cursor_alone,
    "no-memory": _no_memory,
    "submitted-counts": _submitted_counts,
    "no-reconcile": _no_reconcile,
}

if __name__ == "__main__":
    guard = sys.argv[1] if len(sys.argv) > 1 else ""
    if guard:
        GUARDS[guard]()
        sys.stderr.write(f"CHAOS: THIS POLLER IS BROKEN ON PURPOSE: {guard}. It loses or invents payments.\n")
    rules_of = payments.rules_of
    patch.object(
        payments, "rules_of", lambda settings: hurried(rules_of(settings), reconcile=guard != "no-reconcile")
    ).start()
    main(["payments"])
