"""A mapping-state table for tests: two connected subsidiaries, master Defaults, default vendors; and what it maps."""

import json
from typing import Any, TypeVar

from domain.documents import Document, SourceDocument
from domain.export import export
from domain.outcomes import Deferred, Rejected, Skipped
from domain.settings.mapping_state import MappingState

Answer = TypeVar("Answer", Skipped, Deferred, Rejected)
CARRIER = "a1b2c3d4-0000-0000-0000-000000000001"
BROKER = "a1b2c3d4-0000-0000-0000-000000000002"
CONNECTION: dict[str, Any] = {
    "companyId": "BlueMesa",
    "credentials": "blue-mesa",
    "state": "active",
    "activatedAt": "2026-06-01T00:00:00Z",
}


class Settings:
    """A `MappingState` that is written to as the topic is: one record an offset."""

    def __init__(self) -> None:
        self.state = MappingState()

    def put(self, key: str, value: object) -> str | None:
        """Set a key to a JSON value."""
        return self.raw(key, json.dumps(value).encode())

    def clear(self, key: str) -> str | None:
        """Send a tombstone."""
        return self.raw(key, None)

    def raw(self, key: str, value: bytes | None) -> str | None:
        """Send bytes as they are."""
        return self.state.apply(key.encode(), value, self.state.offset + 1)

    def account(self, key: str, number: str) -> str | None:
        """Set the account of `{side}/{category}/{item}` for the carrier subsidiary."""
        return self.put(f"{CARRIER}/account/{key}", {"account": number})

    def connect(self, subsidiary_id: str = CARRIER, **changes: object) -> str | None:
        """Set a connection."""
        return self.put(f"{subsidiary_id}/connection", CONNECTION | changes)


def connected(**changes: object) -> Settings:
    """Both subsidiaries connected, with the master Defaults 4000 (AR) and 5000 (AP) and default vendors."""
    settings = Settings()
    for subsidiary_id in (CARRIER, BROKER):
        settings.connect(subsidiary_id, **changes)
        settings.put(f"{subsidiary_id}/account/ar/default/default", {"account": "4000"})
        settings.put(f"{subsidiary_id}/account/ap/default/default", {"account": "5000"})
        settings.put(f"{subsidiary_id}/vendor/fuel/default", {"vendorId": "VEN-FUEL"})
        settings.put(f"{subsidiary_id}/vendor/toll/default", {"vendorId": "VEN-TOLL"})
    settings.put(f"{CARRIER}/intercompany/{BROKER}", {"customerId": "CUST-BROKER", "vendorId": "VEN-BROKER"})
    settings.put(f"{BROKER}/intercompany/{CARRIER}", {"customerId": "CUST-CARRIER", "vendorId": "VEN-CARRIER"})
    return settings


def mapped(found: SourceDocument, settings: Settings) -> Document:
    """The document to book; the test fails if the settings or the document itself stop it."""
    document = export(found, settings.state)
    assert isinstance(document, Document), document
    return document


def stopped(found: SourceDocument, settings: Settings, kind: type[Answer]) -> Answer:
    """The answer that stops the document; the test fails if it is of another kind."""
    answer = export(found, settings.state)
    assert isinstance(answer, kind), answer
    return answer
