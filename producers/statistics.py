"""The record on `sage-export-statistics`: one subsidiary and one time window, key = subsidiary id.

Summaries of the same window add up: a document that ended late is reported in a further summary of that window, which
contains nothing else. Amounts are decimal text. docs/contract.md uses the same names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import orjson

from domain.outcomes import Outcome

SCHEMA = 1


class Alarm(StrEnum):
    """The kinds of alerts for an operator. The names are stable, like every code."""

    UNCERTAIN_DOCUMENTS = "UNCERTAIN_DOCUMENTS"
    CONNECTION_SET_ASIDE = "CONNECTION_SET_ASIDE"
    REJECTS_ABOVE_SHARE = "REJECTS_ABOVE_SHARE"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: its kind, and the details in words."""

    alarm: Alarm
    detail: str


@dataclass(frozen=True, slots=True)
class WaitingDocument:
    """A document whose last outcome is `deferred` or `uncertain`, and the time since which it waits."""

    document: str
    since: datetime
    outcome: Outcome
    code: str | None = None
    connection: str | None = None
    """The Sage connection that the document waits for; None if it waits for something else."""


@dataclass(frozen=True, slots=True)
class WaitingSummary:
    """The documents of a subsidiary that wait when a window closes, from this window or an earlier one."""

    deferred: int = 0
    uncertain: int = 0
    oldest: WaitingDocument | None = None
    open_circuits: Sequence[str] = ()
    """The Sage connections that documents wait for."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of one window for one subsidiary; None as subsidiary stands for results that name none."""

    subsidiary: str | None
    start: datetime
    end: datetime
    outcomes: Mapping[Outcome, int]
    codes: Mapping[str, int]
    posted: Mapping[str, Decimal]
    """The totals of the posted documents, by currency."""
    posted_without_total: int
    """Number of posted documents whose result does not contain the document, so their amounts are in no total."""
    from_ledger: int
    """Number of results that repeat an earlier one, as in a replay. They are counted only here."""
    unreadable: int
    standing: WaitingSummary
    alerts: Sequence[Alert]


def encode(summary: Summary) -> bytes:
    """Encode a summary as a record value: JSON in UTF-8."""
    standing = summary.standing
    return orjson.dumps(
        {
            "schema": SCHEMA,
            "subsidiaryId": summary.subsidiary,
            "window": {"start": summary.start, "end": summary.end},
            "documents": sum(summary.outcomes.values()),
            "outcomes": {outcome.value: count for outcome, count in summary.outcomes.items()},
            "codes": dict(summary.codes),
            "posted": {currency: format(total, "f") for currency, total in summary.posted.items()},
            "postedWithoutTotal": summary.posted_without_total,
            "fromLedger": summary.from_ledger,
            "unreadable": summary.unreadable,
            "waiting": {
                "deferred": standing.deferred,
                "uncertain": standing.uncertain,
                "oldest": None if standing.oldest is None else _waiting(standing.oldest),
                "connectionsSetAside": list(standing.open_circuits),
            },
            "alerts": [{"alert": alert.alarm, "detail": alert.detail} for alert in summary.alerts],
        }
    )


def _waiting(waiting: WaitingDocument) -> Mapping[str, object]:
    return {
        "documentKey": waiting.document,
        "since": waiting.since,
        "outcome": waiting.outcome,
        "code": waiting.code,
    }
