"""The place of a line: the event's own mapping, else our tables."""

from domain.categories import Side
from domain.events.invoice import Mapping
from domain.lines import Place, explicit
from domain.outcomes import Rejected
from domain.reading.refusal import Refusal


def named(side: Side, mapping: Mapping) -> Place:
    """The place that the event's explicit mapping names.

    Raises:
        Refusal: `CATEGORY_UNKNOWN` or `CATEGORY_WRONG_SIDE`.
    """
    place = explicit(side, mapping.category, mapping.item)
    if isinstance(place, Rejected):
        raise Refusal(place.code, place.detail)
    return place
