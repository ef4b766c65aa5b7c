"""Finds, before the call, dimension values that Sage would refuse: unknown, inactive, and active non-posting ones.

One list is read for each dimension that documents use, and cached; none is read for a single document. A list that
cannot be read delays no document: then Sage decides, as about everything else that is not read here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from consumers.export.config import ExportConfig
from consumers.export.protocol.export_result import ExportResult, result_of
from consumers.export.work_item import WorkItem
from domain.blockers import dimension_keys
from domain.categories import fold
from domain.codes import Code
from domain.documents import Document, LineDimension
from domain.lines.line_attributes import MOST_KEYS
from domain.outcomes import Deferred
from kafka_client.clock import Clock
from sage_client import Dimension, DimensionValue, Login, SageClient, SageError

log = structlog.get_logger(__name__)

MOST_TOLD = 5
"""Maximum number of values that a result's detail names."""
_CODES = {"is inactive": Code.DIMENSION_VALUE_INACTIVE, "is active non-posting": Code.DIMENSION_VALUE_NON_POSTING}

Values = Mapping[str, DimensionValue]
"""Dimension values by folded id, because it is not documented whether Sage's ids depend on case."""


@dataclass(slots=True)
class _CachedValues:
    values: Values | None
    """The values. None if the list could not be read."""
    read_at: float


class DimensionCache:
    """Values of one company's dimensions, as far as documents use them. One per lane.

    Args:
        client: The Sage client.
        config: How long a list is trusted.
        time: The clock.
    """

    def __init__(self, client: SageClient, config: ExportConfig, time: Clock) -> None:
        self._client = client
        self._config = config
        self._time = time
        self._kept: dict[tuple[str | None, str], _CachedValues] = {}

    async def refuse_unusable(self, login: Login, batch: Sequence[WorkItem]) -> list[tuple[WorkItem, ExportResult]]:
        """The documents of a batch with a value that cannot be posted to, each with its result. Raises nothing."""
        checked = [(work, await self._check(login, _dimensions(work.mapped))) for work in batch]
        return [(work, result_of(deferred)) for work, deferred in checked if deferred is not None]

    def refused(self, document: Document, entity_id: str | None) -> None:
        """Forget the cached values of a document's dimensions, unless very new: Sage refused it, so they may be old."""
        for each in _dimensions(document):
            place = (entity_id, each.object)
            if (kept := self._kept.get(place)) is not None and self._older(
                kept, self._config.negative_cache_ttl.total_seconds()
            ):
                del self._kept[place]

    async def _check(self, login: Login, carries: Sequence[LineDimension]) -> Deferred | None:
        wrong = [found for each in carries if (found := await self._wrong(login, each)) is not None]
        if not wrong:
            return None
        code = wrong[0][0]
        words = [detail for each, detail, _ in wrong if each is code]
        more = f"; and {len(words) - MOST_TOLD} more" if len(words) > MOST_TOLD else ""
        keys = dict.fromkeys(key for _, _, each in wrong for key in each)
        return Deferred(code, "; ".join(words[:MOST_TOLD]) + more, tuple(keys)[:MOST_KEYS])

    async def _wrong(self, login: Login, dimension: LineDimension) -> tuple[Code, str, tuple[str, ...]] | None:
        values = await self._values(login, dimension, self._config.cache_ttl.total_seconds())
        if values is not None and _blocked(values, dimension) is not None:
            # The value may have been created or activated a moment ago: check a new list, at most twice a minute.
            values = await self._values(login, dimension, self._config.negative_cache_ttl.total_seconds())
        if values is None or (code := _blocked(values, dimension)) is None:
            return None
        found = values.get(fold(dimension.value))
        said = "does not exist" if found is None else found.blocked
        return code, f"{dimension.dimension} {dimension.value!r} {said} in Sage Intacct", dimension_keys(dimension)

    async def _values(self, login: Login, dimension: LineDimension, oldest: float) -> Values | None:
        place = (login.entity_id, dimension.object)
        kept = self._kept.get(place)
        if kept is None or self._older(kept, oldest):
            kept = self._kept[place] = _CachedValues(await self._read(login, dimension), self._time.monotonic())
        return kept.values

    async def _read(self, login: Login, dimension: LineDimension) -> Values | None:
        asked = Dimension(dimension.object, dimension.dimension, dimension.user_defined, in_gl=True)
        try:
            values = await self._client.dimension_values(login, asked)
        except SageError as error:
            log.info("dimension values not read, sage decides", dimension=dimension.dimension, error=str(error))
            return None
        return {fold(each.id): each for each in values}

    def _older(self, kept: _CachedValues, seconds: float) -> bool:
        return self._time.monotonic() - kept.read_at > seconds


def _dimensions(document: Document) -> tuple[LineDimension, ...]:
    """All different dimension values of a document; most lines have the same."""
    return tuple(dict.fromkeys(_all(document)))


def _all(document: Document) -> Iterator[LineDimension]:
    before: tuple[LineDimension, ...] = ()
    for line in document.lines:
        if line.dimensions is not before:
            yield from line.dimensions
            before = line.dimensions


def _blocked(values: Values, dimension: LineDimension) -> Code | None:
    found = values.get(fold(dimension.value))
    if found is None:
        return Code.DIMENSION_VALUE_UNKNOWN
    return None if found.blocked is None else _CODES[found.blocked]
