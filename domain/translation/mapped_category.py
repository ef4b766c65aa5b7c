"""Category and item of a line whose event has an explicit mapping."""

from domain.categories import Side
from domain.events.invoice import Mapping
from domain.line_categories import CategoryItem, from_mapping
from domain.outcomes import Rejected
from domain.translation.refusal import Refusal


def named(side: Side, mapping: Mapping) -> CategoryItem:
    """Look up the category and item that the explicit mapping of an event names.

    Raises:
        Refusal: `CATEGORY_UNKNOWN` or `CATEGORY_WRONG_SIDE`.
    """
    place = from_mapping(side, mapping.category, mapping.item)
    if isinstance(place, Rejected):
        raise Refusal(place.code, place.detail)
    return place
