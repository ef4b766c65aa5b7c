"""From an event to the document it describes, before any setting is looked at; one module per kind of document."""

from domain.reading.receive import Received, receive

__all__ = ["Received", "receive"]
