"""Documents to measure with: generated events, mapped by the demonstration's settings."""

import json

from demo.events import Event, good_events
from demo.events.invoices import load_invoice
from demo.events.maker import Maker
from demo.events.world import TRANSPORT
from demo.rig import SETTINGS
from domain.documents import Document, SourceDocument
from domain.events import EventKind
from domain.export import export
from domain.idempotency import control_id
from domain.settings.mapping_state import MappingState
from domain.translation import parse_record
from sage_client import Call

LINES = 5
SEED = 11


def settings() -> MappingState:
    """The demonstration's settings as the table that maps documents."""
    state = MappingState()
    for offset, line in enumerate(SETTINGS.read_text(encoding="utf-8").splitlines()):
        entry = json.loads(line)
        state.apply(entry["key"].encode(), json.dumps(entry["value"]).encode(), offset)
    return state


def five_line_invoices(count: int) -> list[Event]:
    """Invoice events of five lines each."""
    # Every eighth load invoice has five lines.
    found = [event for event in good_events(SEED, count * 8, load_invoice) if _lines(event) == LINES]
    return found[:count]


def _lines(event: Event) -> int:
    booking = event.expectation.booking
    return 0 if booking is None else len(booking.lines)


def calls(count: int) -> list[Call]:
    """So many documents of one company and one entity, ready to be posted."""
    state, maker = settings(), Maker(SEED)
    found: list[Call] = []
    while len(found) < count:
        draft = load_invoice(maker, TRANSPORT)
        if len(draft.booking.lines) == LINES:
            document = mapped(draft.posted(), state)
            found.append(Call(_control_id(document), document, draft.booking.party))
    return found


def mapped(event: Event, state: MappingState) -> Document:
    """The document that an event of the generator becomes."""
    source = parse_record(EventKind.INVOICE, event.value).document
    document = export(source, state) if isinstance(source, SourceDocument) else source
    if not isinstance(document, Document):
        raise TypeError(f"{event.story} is no document: {document}")
    return document


def _control_id(document: Document) -> str:
    connection = document.connection
    return control_id(connection.company_id, connection.entity_id, document.source.key, "bench", "create", 0)
