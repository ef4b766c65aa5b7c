"""Translation of events into source documents, before any setting is applied; one module per kind of document."""

from domain.reading.receive import Received, receive

__all__ = ["Received", "receive"]
