"""Translation of events into source documents, before any setting is applied; one module per kind of document."""

from domain.translation.parse_record import ParsedRecord, parse_record

__all__ = ["ParsedRecord", "parse_record"]
