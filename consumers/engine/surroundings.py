"""What all partitions of a worker share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from consumers.engine.knobs import Knobs, Time
from consumers.engine.notes import Writer
from consumers.engine.work import Owner, Work
from domain.mapping_state import MappingState
from domain.reading import Received


class Lanes(Protocol):
    """Where mapped documents go: one lane per Sage company."""

    def submit(self, work: Work) -> None:
        """Post it."""

    def doubt(self, work: Work) -> None:
        """Look it up first."""

    def holds(self, blocker: str) -> bool:
        """Whether documents still have to wait for this Sage connection."""

    def give_back(self, owner: Owner) -> None:
        """Drop the owner's documents that are not on their way to Sage."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions of a worker share."""

    writer: Writer
    any_record_key: bool
    """Whether a record's key may be another than its document's: then upstream alone keeps revisions together."""
    mapping: Callable[[], MappingState]
    """The settings in force."""
    lanes: Lanes
    knobs: Knobs
    time: Time


Receive = Callable[[bytes | None], Received]
"""Bytes to a received document; raises ContractError. Each topic's module gives its own."""
