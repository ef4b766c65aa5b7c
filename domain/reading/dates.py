"""Payment terms where the event gives no due date."""

NET_30 = 30
"""Alvys's own fallback for customers and carriers whose profile names no terms (export article, "Net 30")."""


def terms(*days: int | None) -> int:
    """The first terms that are set, in days, else `NET_30`."""
    return next((term for term in days if term is not None), NET_30)
