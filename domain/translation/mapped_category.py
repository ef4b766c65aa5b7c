"""Category and item of a line whose event has an explicit mapping."""

from domain.categories import Side
from domain.events.invoice import Mapping
from domain.lines.line_categories import CategoryItem, from_mapping
from domain.outcomes import Rejected
from domain.translation.refusal import Refusal


def named(side: Side, mapping: Mapping | None) -> CategoryItem | None:
    """Look up the category and item that the explicit mapping of a line names; None if the line has no mapping.

    Raises:
        Refusal: `CATEGORY_UNKNOWN` or `CATEGORY_WRONG_SIDE`.
    """
    if mapping is None:
        return None
    place = from_mapping(side, mapping.category, mapping.item)
    if isinstance(place, Rejected):
        raise Refusal(place.code, place.detail)
    return place
