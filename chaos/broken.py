"""``python -m chaos.broken GUARD``: a worker with one guard broken, to show that the harness can fail. Never a service.

=============  =====================================================  =================================================
guard          what is broken                                         what still stands in the way
=============  =====================================================  =================================================
no-ledger      the ledger knows nothing: every record looks new       the same bytes keep their control id, which the
                                                                      gateway refuses; a changed revision of a posted
                                                                      document has another, and nothing helps
no-unique-id   calls go without `uniqueid`, under fresh control ids   lease and look-up, as long as the gateway executes
                                                                      a call within its own limit
commit-first   a record counts as ended when it was read              nothing, once a worker is killed
blind-resend   an unknown outcome is sent again at once, as new       nothing, where the call had been executed
early-look-up  a look-up is believed before the lease has ended, and  nothing, where queries lag behind the books
               the call that it did not find is sent as new
no-damage      a ledger that is empty, cut or another is taken for    the same bytes keep their control id; a changed
               whole                                                  revision has another, and nothing helps
=============  =====================================================  =================================================
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any
from unittest.mock import patch

from app.cli import main
from consumers.export.ledger import generation
from consumers.export.ledger.generation import Comparison
from consumers.export.ledger.store import LedgerStore
from consumers.export.protocol import calls
from consumers.export.protocol.document_state import Claim, DocumentState
from consumers.export.protocol.reconcile import SendAgain
from consumers.export.sending.in_doubt import DoubtResolver
from consumers.export.sending.leases import Leases
from consumers.export.work_item import WorkItem
from kafka_client.offset_tracker import OffsetTracker
from sage_client import _envelope


def no_ledger() -> None:
    """Whatever is asked for was never seen."""

    def get(_self: LedgerStore, key: str) -> DocumentState:
        return DocumentState(key)

    _put(LedgerStore, "get", get)


def no_unique_id() -> None:
    """Nothing tells the gateway that it has seen a call before."""
    request = _envelope.request

    def without(*arguments: Any, **named: Any) -> bytes:
        return request(*arguments, **(named | {"unique": False}))

    _put(_envelope, "request", without)
    _put(calls, "control_id", _fresh)


def commit_first() -> None:
    """What was read may be committed."""

    def begin(self: OffsetTracker, offset: int, _size: int = 0) -> None:
        self.reached(offset + 1)

    def end(_self: OffsetTracker, _offset: int) -> None:
        return

    _put(OffsetTracker, "begin", begin)
    _put(OffsetTracker, "end", end)


def blind_resend() -> None:
    """What may have been executed is sent once more."""

    async def look_up(_self: DoubtResolver, batch: Sequence[WorkItem]) -> None:
        for work in batch:
            work.owner.handle(work, SendAgain())

    _put(DoubtResolver, "_look_up", look_up)
    _put(calls, "control_id", _fresh)


def early_look_up() -> None:
    """Every lease has ended."""

    def left(_self: Leases, _claim: Claim) -> float:
        return 0.0

    _put(Leases, "left", left)
    _put(calls, "control_id", _fresh)


def no_damage() -> None:
    """Whatever a ledger topic holds is the ledger, and a local store of another log is built anew."""
    compare = generation.compare

    async def trusting(*arguments: Any) -> Comparison:
        found = await compare(*arguments)
        return Comparison(found.read_on, found.outdated | found.damages.keys(), {})

    def examine(*_arguments: object) -> None:
        return

    _put(generation, "compare", trusting)
    _put(generation, "examine", examine)


def _put(where: object, name: str, broken: object) -> None:
    """For as long as this process lives; fails where there is nothing of that name any more."""
    patch.object(where, name, broken).start()


_numbers = itertools.count()


def _fresh(*_parts: object) -> str:
    return f"{token_hex(16)}-{next(_numbers)}"


GUARDS: dict[str, Callable[[], None]] = {
    "no-ledger": no_ledger,
    "no-unique-id": no_unique_id,
    "commit-first": commit_first,
    "blind-resend": blind_resend,
    "early-look-up": early_look_up,
    "no-damage": no_damage,
}

if __name__ == "__main__":
    guard = sys.argv[1]
    GUARDS[guard]()
    sys.stderr.write(f"CHAOS: THIS WORKER IS BROKEN ON PURPOSE: {guard}. It loses or doubles documents.\n")
    main(["worker"])
