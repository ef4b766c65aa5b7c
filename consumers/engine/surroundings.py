"""Objects that all partitions of a worker share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from consumers.engine.knobs import Knobs, Time
from consumers.engine.notes import Writer
from consumers.engine.work import Owner, Work
from domain.mapping_state import MappingState
from domain.reading import Received


class Lanes(Protocol):
    """The lanes, one per Sage company, to which mapped documents go."""

    def submit(self, work: Work) -> None:
        """Post a mapped document."""

    def doubt(self, work: Work) -> None:
        """Look a claimed document up in Sage before anything is sent."""

    def holds(self, blocker: str) -> bool:
        """Whether the circuit of this Sage connection is open, so that documents still have to wait."""

    def give_back(self, owner: Owner) -> None:
        """Drop the documents of a partition that is being released, except those on their way to Sage."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Objects that all sessions of a worker share."""

    writer: Writer
    """Builds the records to write."""
    any_record_key: bool
    """Whether a record's key may differ from its document's. Then only upstream keeps revisions in one partition."""
    mapping: Callable[[], MappingState]
    """Returns the settings in force."""
    lanes: Lanes
    knobs: Knobs
    time: Time


Receive = Callable[[bytes | None], Received]
"""Parses the bytes of an event. Raises ContractError. Each topic's module provides its own."""
