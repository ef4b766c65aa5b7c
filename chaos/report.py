"""Evidence to figures: a table for a person, JSON for a machine, and the judgement."""

from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

from chaos.plan import BROKER_KILLS, WORKER_KILLS
from chaos.run import ExportEvidence, Kill
from chaos.watch import WatchedTopics

SHOWN = 20
"""Findings of a kind that are printed; the JSON report has all of them."""
APART = {
    "recovery": "recovery after ",
    "seconds_to_the_outcome": "seconds to the outcome, company ",
    "noticed": "seconds until noticed, ",
    "repaired": "seconds of repair, ",
}
"""Figures that have a line for each of their parts, with what begins it."""
WIDE = 54
COUNTED = (
    "events",
    "documents",
    "kills",
    "lost",
    "twice",
    "disorder",
    "wrong",
    "unexpected",
    "offsets_past_unfinished",
    "uncertain_left",
)
"""The figures of the last line."""


def figures(evidence: ExportEvidence) -> dict[str, Any]:
    """Every figure of the report; counts are whole numbers, times are seconds."""
    found, seen, passed = evidence.findings, evidence.seen, evidence.passed
    outcomes = Counter(answer.outcome for answer in seen.answers)
    recovered = recovery(evidence.kills, seen)
    alone = [took for kind, times in recovered.items() if kind in WORKER_KILLS for took in times]
    return {
        "gateway": evidence.gateway,
        "seconds": round(evidence.seconds, 1),
        "events": len(seen.sources),
        "documents": evidence.documents,
        "lost": len(found.lost),
        "twice": len(found.twice),
        "disorder": len(found.disorder),
        "wrong": len(found.wrong),
        "unexpected": len(found.unexpected),
        "offsets_past_unfinished": len(seen.past_unfinished),
        "uncertain_left": sum(1 for each in seen.ledger.values() if each.in_doubt),
        "drained": evidence.drained,
        "waiting_as_expected": evidence.waiting,
        "offset_looks": seen.looks,
        "offset_looks_given_up": seen.looks_given_up,
        "kills": len(evidence.kills),
        "kills_of_workers": sum(1 for each in evidence.kills if each.kind in WORKER_KILLS),
        "steps": dict(sorted(evidence.done.items())),
        "recovery": {kind: _times(times) for kind, times in sorted(recovered.items())}
        | {"any worker kill": _times(alone)},
        "workers_ended_by_themselves": {str(code): n for code, n in evidence.endings.by_themselves.items()},
        "workers_stopped_badly": {str(code): n for code, n in evidence.endings.bad_stops.items()},
        "calls": passed.requests,
        "calls_struck": dict(sorted(passed.struck.items())),
        "booked_and_not_told": passed.unheard,
        "control_ids_refused_by_the_gateway": passed.refused_again,
        "answers": dict(sorted(outcomes.items())),
        "answers_from_the_ledger": sum(1 for answer in seen.answers if answer.from_ledger),
        "refused_without_a_message_and_sent_again": evidence.sent_again,
        "records_read_again_after_a_reset": evidence.replayed,
        "told_as_not_exported_and_sent_again": evidence.told_and_sent_again,
        "requests_without_an_answer_from_companies_that_hang": passed.hung,
        "requests_slowed": passed.slowed,
        "rows_that_queries_did_not_show_yet": evidence.hidden,
        "documents_a_second": {name: round(rate, 1) for name, rate in evidence.throughput.items()},
        "seconds_to_the_outcome": {name: _spread(times) for name, times in sorted(evidence.settled.items())},
        "unnoticed": len(evidence.memory.unnoticed),
        "noticed": {kind: _times(times) for kind, times in evidence.memory.noticed.items()},
        "repaired": {kind: _times(times) for kind, times in evidence.memory.repaired.items()},
        "partitions_read_again_after_a_repair": evidence.memory.read_again,
        "records_copied_to_another_cluster": evidence.memory.copied,
    }


def sound(evidence: ExportEvidence) -> bool:
    """Whether every promise that is looked at was kept."""
    whole = not evidence.memory.unnoticed and not evidence.seen.past_unfinished
    return evidence.findings.sound and evidence.drained and whole


def findings(evidence: ExportEvidence) -> dict[str, list[str]]:
    """Every finding in words, by kind."""
    found = evidence.findings
    past = [
        f"{topic}:{partition}@{offset} had no outcome when {committed} was committed"
        for (topic, partition, offset), committed in evidence.seen.past_unfinished.items()
    ]
    return {
        "lost": found.lost,
        "twice": found.twice,
        "disorder": found.disorder,
        "wrong": found.wrong,
        "unexpected": found.unexpected,
        "offsets_past_unfinished": past,
        "not_drained": evidence.left,
        "unnoticed": evidence.memory.unnoticed,
    }


def recovery(kills: list[Kill], seen: WatchedTopics) -> dict[str, list[float]]:
    """By kind of kill: seconds from it until every source partition had given an outcome for a record sent after it.

    Kills overlap, as the plan has it, so some of these times hold the recovery from a later kill too. Those that hold
    an outage of the broker are told apart: nobody can recover while it is away.
    """
    ends = {id(kill): _recovered(kill, seen) for kill in kills}
    outages = [(kill.at, end) for kill in kills if kill.kind in BROKER_KILLS and (end := ends[id(kill)]) is not None]
    times: dict[str, list[float]] = {}
    for kill in kills:
        end = ends[id(kill)]
        if end is None:
            continue
        broker_away = any(kill.at < back and gone < end for gone, back in outages)
        told_apart = broker_away and kill.kind not in BROKER_KILLS
        times.setdefault(f"{kill.kind}, broker away too" if told_apart else kill.kind, []).append(end - kill.at)
    return times


def _recovered(kill: Kill, seen: WatchedTopics) -> float | None:
    ends = [seen.answered.get(place) for number in kill.probes if (place := seen.by_number.get(number))]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(kill.probes) else None


def _times(times: list[float]) -> Mapping[str, float | int]:
    if not times:
        return {"count": 0}
    return {"count": len(times), "median": round(median(times), 1), "max": round(max(times), 1)}


def _spread(times: list[float]) -> Mapping[str, float | int]:
    ranked = sorted(times)
    return {
        "documents": len(ranked),
        "median": round(median(ranked), 1),
        "of 95 %": round(ranked[(len(ranked) - 1) * 95 // 100], 1),
        "longest": round(ranked[-1], 1),
    }


def lines(evidence: ExportEvidence) -> list[str]:
    """The report for a person."""
    told = figures(evidence)
    text = [f"{name.replace('_', ' '):{WIDE}} {_shown(value)}" for name, value in told.items() if name not in APART]
    for name, before in APART.items():
        for kind, times in told[name].items():
            if times.get("count", 1):
                took = ", ".join(f"{what} {value}" for what, value in times.items())
                text.append(f"{before + kind:{WIDE}} {took}")
    for kind, found in findings(evidence).items():
        text += [f"{kind.upper()}: {each}" for each in found[:SHOWN]]
        if len(found) > SHOWN:
            text.append(f"{kind.upper()}: and {len(found) - SHOWN} more")
    return text


def last_line(evidence: ExportEvidence) -> str:
    """One line that says it all."""
    told = figures(evidence)
    counts = " ".join(f"{name}={told[name]}" for name in COUNTED)
    return f"chaos: {counts} drained={'yes' if told['drained'] else 'no'}"


def _shown(value: object) -> str:
    return ", ".join(f"{name} {count}" for name, count in value.items()) if isinstance(value, dict) else str(value)
