"""Lines that a setting excludes from a document: fuel, tolls, accessorials, e-checks; deductions on an invoice.

The lines of the event were already checked against its total (`domain.translation.amounts`). The total of the document
is the sum of the remaining lines. The result reports the excluded lines, so that nobody searches for the difference.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from domain.categories import Category, Side
from domain.documents import ExcludedLines, SourceDocument, SourceKind, SourceLine
from domain.settings.values import ApSettings, ArSettings, ConnectionSetting

DEDUCTIONS = Category.DEDUCTIONS.value
FUEL_AND_TOLLS = frozenset({SourceKind.FUEL, SourceKind.TOLL, SourceKind.FUEL_DAY, SourceKind.TOLL_DAY})
"""Kinds of fuel and toll bills. They have switches of their own (`includeFuel`, `includeTolls`)."""


def exclude_lines(
    source: SourceDocument, setting: ConnectionSetting
) -> tuple[SourceDocument, tuple[ExcludedLines, ...]]:
    """Remove the lines that the settings exclude.

    Returns:
        The document with the remaining lines and their total, and a summary of the excluded lines for each kind, in the
        order of the lines.
    """
    off = frozenset(_off(source, setting))
    if not off:
        return source, ()
    kept: list[SourceLine] = []
    left: dict[str, list[Decimal]] = {}
    for line in source.lines:
        if (kind := _kind(line)) in off:
            left.setdefault(kind, []).append(line.amount)
        else:
            kept.append(line)
    if not left:
        return source, ()
    out = tuple([ExcludedLines(kind, len(amounts), sum(amounts, Decimal(0))) for kind, amounts in left.items()])
    total = source.total - sum([one.amount for one in out], Decimal(0))
    return replace(source, lines=tuple(kept), total=total), out


def in_words(left_out: tuple[ExcludedLines, ...]) -> str:
    """Describe the excluded lines in words, for a person."""
    return ", ".join(f"{one.kind}: {one.lines} lines, {one.amount}" for one in left_out)


def _kind(line: SourceLine) -> str:
    return DEDUCTIONS if line.deduction else line.category.value


def _off(source: SourceDocument, setting: ConnectionSetting) -> Iterator[str]:
    if source.side is Side.AR:
        yield from _off_ar(setting.ar)
    elif source.kind not in FUEL_AND_TOLLS:
        yield from _off_ap(setting.ap)


def _off_ar(ar: ArSettings) -> Iterator[str]:
    if not ar.include_accessorials:
        yield Category.ACCESSORIALS
    if not ar.include_e_checks:
        yield Category.E_CHECKS
    if not ar.deductions_as_credits:
        yield DEDUCTIONS


def _off_ap(ap: ApSettings) -> Iterator[str]:
    if not ap.include_fuel_lines:
        yield Category.FUEL
    if not ap.include_toll_lines:
        yield Category.TOLL
    if not ap.include_accessorials:
        yield Category.ACCESSORIALS
    if not ap.include_e_checks:
        yield Category.E_CHECKS
