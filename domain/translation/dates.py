"""Payment terms for events that give no due date."""

NET_30 = 30
"""Alvys's fallback for customers and carriers without terms in their profile, in days.

Source: "Net 30" in Alvys's article "Sage Intacct: Transaction Export and Modification".
"""


def terms(*days: int | None) -> int:
    """The first of the given terms that is set, in days; `NET_30` if none is."""
    return next((term for term in days if term is not None), NET_30)
