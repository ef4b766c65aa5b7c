"""What public sources say about Sage's names, for tests: `unsourced` finds names that stand in none of them."""

from collections.abc import Iterable

from simulator.reference import FieldFacts, ObjectFacts, Relation, SageReference, reference

__all__ = ["FieldFacts", "ObjectFacts", "Relation", "SageReference", "reference", "unsourced"]


def unsourced(object_name: str, fields: Iterable[str]) -> list[str]:
    """The fields that no source reads of this object; custom fields must be taken out before."""
    return [name for name in fields if not reference().readable(object_name, name)]
