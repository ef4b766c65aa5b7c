"""The record on `sage-export-statistics`: one subsidiary, one window, key = subsidiary id.

Summaries of one window add up: a document that ended late comes in a second summary of the same window, alone. Amounts
are decimal text. docs/contract.md has the same names.
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
    """What an operator should look at; stable, like every code."""

    UNCERTAIN_DOCUMENTS = "UNCERTAIN_DOCUMENTS"
    CONNECTION_SET_ASIDE = "CONNECTION_SET_ASIDE"
    REJECTS_ABOVE_SHARE = "REJECTS_ABOVE_SHARE"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look at, and how it stands."""

    alarm: Alarm
    detail: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document whose last word was `deferred` or `uncertain`, and since when it has been waiting."""

    document: str
    since: datetime
    outcome: Outcome
    code: str | None = None
    connection: str | None = None
    """The Sage connection it waits for, where that is what it waits for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What waits in a subsidiary when a window closes, from this window or any before it."""

    deferred: int = 0
    uncertain: int = 0
    oldest: Waiting | None = None
    set_aside: Sequence[str] = ()
    """Sage connections that documents wait for."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What ended in one window of one subsidiary; None stands for the results that name no subsidiary."""

    subsidiary: str | None
    start: datetime
    end: datetime
    outcomes: Mapping[Outcome, int]
    codes: Mapping[str, int]
    posted: Mapping[str, Decimal]
    """By currency: the totals of the documents that were posted."""
    posted_without_total: int
    """Posted documents whose result does not hold the document; their amounts are in no total."""
    from_ledger: int
    """Answers that repeat an earlier result, as in a replay. They are counted here and nowhere else."""
    unreadable: int
    standing: Standing
    alerts: Sequence[Alert]


def encode(summary: Summary) -> bytes:
    """The record's value: JSON in UTF-8."""
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
                "connectionsSetAside": list(standing.set_aside),
            },
            "alerts": [{"alert": alert.alarm, "detail": alert.detail} for alert in summary.alerts],
        }
    )


def _waiting(waiting: Waiting) -> Mapping[str, object]:
    return {
        "documentKey": waiting.document,
        "since": waiting.since,
        "outcome": waiting.outcome,
        "code": waiting.code,
    }
