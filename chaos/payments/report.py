"""A run's result, for a person and for a program."""

from dataclasses import asdict, fields
from typing import Any

from chaos.payments.audit import PaymentFindings
from chaos.payments.run import PaymentRunReport

SHOWN = 15
"""Findings of a kind that are printed; the JSON report has all of them."""


def figures(result: PaymentRunReport) -> dict[str, Any]:
    """Every figure and finding; counts are whole numbers, times are seconds."""
    told = {each.name: getattr(result, each.name) for each in fields(result)}
    told |= {"findings": asdict(result.findings), "replay": asdict(result.replay) if result.replay else None}
    for name in ("kinds", "played", "refused", "kills", "ended", "requests", "struck"):
        told[name] = {str(key): count for key, count in sorted(told[name].items(), key=str)}
    for name in ("seconds", "settled_after"):
        told[name] = round(told[name], 1)
    return told | {"sound": result.sound}


def lines(result: PaymentRunReport) -> list[str]:
    """The report for a person."""
    told = figures(result)
    found = [told.pop("findings"), told.pop("replay") or {}]
    text = [f"{name.replace('_', ' '):20} {_shown(value)}" for name, value in told.items()]
    for when, findings in zip(("", "after the replay, "), found, strict=True):
        for kind, each in findings.items():
            text += [f"{when}{kind.upper()}: {line}" for line in each[:SHOWN]]
            if len(each) > SHOWN:
                text.append(f"{when}{kind.upper()}: and {len(each) - SHOWN} more")
    return text


def last_line(result: PaymentRunReport) -> str:
    """One line that says it all."""
    counts = " ".join(f"{name}={count}" for name, count in _counts(result.findings, result.replay).items())
    return f"chaos: payments={result.payments} told={result.told} kills={sum(result.kills.values())} {counts}"


def _counts(*findings: PaymentFindings | None) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in findings:
        for name, found in asdict(each).items() if each is not None else ():
            counts[name] = counts.get(name, 0) + len(found)
    return counts


def _shown(value: object) -> str:
    return ", ".join(f"{name} {count}" for name, count in value.items()) if isinstance(value, dict) else str(value)
