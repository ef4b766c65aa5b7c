"""Translation of events into source documents, before any setting is applied.

One module per kind of document; each has the three functions of `parse_record.DocumentKind`.
"""

from domain.translation.parse_record import ParsedRecord, parse_record

__all__ = ["ParsedRecord", "parse_record"]
