"""Whatever bytes come: a contract error, a refusal by code, or XML that adds up; nothing else, and at once."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from domain.codes import Class
from domain.documents import Document, SourceDocument
from domain.events import ContractError, EventKind
from domain.export import export
from domain.idempotency import control_id
from domain.outcomes import Deferred, Rejected, Skipped
from domain.settings.mapping_state import MappingState
from domain.settings.values import InvalidSetting
from domain.text import LONGEST, single_line
from domain.translation import ParsedRecord, parse_record
from sage_client._documents import render
from sage_client.errors import RequestInvalidError
from tests.support.events import NAMES, event, kind_of

STRANGE = st.sampled_from(
    ["", " ", "\x00", "\x1b[2J", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffe", "\U0010ffff", "a\nb", "]]>", "&amp;",
     "<x/>", "/", "%2F", "default", "ß" * 300, "\u0390" * 1000, "x" * 10_000, "0", "-0", "1e400", "1e-400", "NaN",
     "0.005", "999999999999999.99", "2026-02-29", "9999-12-31", "0000-01-01", "2026-06-10T24:00:00Z",
     "2026-06-10T00:00:00+23:59", "1970-01-01T00:00:00+14:00", "2199-12-31", "DriverStatement", "CarrierBill"]
)  # fmt: skip
VALUES = st.recursive(
    STRANGE
    | st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**15), 10**15 + 1, 0.1, -0.0, 1e308, 5e-324])
    | st.decimals(-1000, 1000, places=2).map(str)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ACCOUNTS = {
    f"{side}/{category}/default": f"{side}-{category}"
    for side, category in [("ar", "default"), ("ap", "default"), ("ap", "fuel"), ("ar", "load")]
}


def places(value: object, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of everything inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for name, inner in inside for path in ((*above, name), *places(inner, (*above, name)))]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[EventKind, bytes]:
    """A sample with some of its values dropped, replaced, moved or doubled, then perhaps with broken bytes."""
    sample = event(draw(st.sampled_from(NAMES)))
    kind = kind_of(sample)
    for _ in range(draw(st.integers(0, 4))):
        path = draw(st.sampled_from(places(sample) or [()]))
        if path:
            _change(draw, sample, path)
    value = json.dumps(sample, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 3]))):
        value = _broken(draw, value)
    return kind, value


def _change(draw: st.DrawFn, sample: dict[str, Any], path: tuple[str | int, ...]) -> None:
    place: Any = sample
    for step in path[:-1]:
        place = place[step]
    last = path[-1]
    match draw(st.sampled_from(["replace", "replace", "drop", "swap", "double", "nest"])):
        case "replace":
            place[last] = draw(VALUES)
        case "drop":
            del place[last]
        case "swap":
            other = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
            place[last], place[other] = place[other], place[last]
        case "double":
            place[last] = [place[last], place[last]] if isinstance(place, dict) else place[last]
        case _:
            for _ in range(draw(st.sampled_from([1, 5, 60]))):
                place[last] = [place[last]]


def _broken(draw: st.DrawFn, value: bytes) -> bytes:
    at = draw(st.integers(0, len(value)))
    match draw(st.sampled_from(["flip", "cut", "again", "insert"])):
        case "flip" if at < len(value):
            return value[:at] + bytes([value[at] ^ (1 << draw(st.integers(0, 7)))]) + value[at + 1 :]
        case "cut":
            return value[:at]
        case "again":
            return value + value[:at]
        case _:
            return value[:at] + draw(st.binary(max_size=4)) + value[at:]


def settings_for(subsidiary: str) -> MappingState:
    """A connection and accounts for a subsidiary, if its id can stand in a key."""
    state = MappingState()
    connection = {"companyId": "C", "credentials": "c", "state": "active", "activatedAt": "2020-01-01T00:00:00Z"}
    values: dict[str, object] = {"connection": connection, "vendor/fuel/default": {"vendorId": "V"}}
    values |= {"vendor/toll/default": {"vendorId": "V"}}
    values |= {f"account/{key}": {"account": account} for key, account in ACCOUNTS.items()}
    for offset, (key, value) in enumerate(values.items()):
        state.apply(f"{subsidiary}/{key}".encode(), json.dumps(value).encode(), offset)
    return state


def check_letter(error: ContractError) -> None:
    assert error.code.explanation.outcome is Class.DEAD
    assert 0 < len(error.detail) <= LONGEST
    assert error.detail.isprintable()


def the_whole_path(kind: EventKind, value: bytes) -> None:
    """Bytes to XML, or to a refusal with a code; whatever else is raised fails the test."""
    try:
        received = parse_record(kind, value)
    except ContractError as error:
        check_letter(error)
        return
    assert isinstance(received, ParsedRecord)
    assert received.key.isprintable()
    assert len(received.key) < 2_000
    assert received.event_id.isprintable()
    control_id("C", None, received.key, received.revision, "create", 0)
    answer: object = received.document
    if isinstance(answer, SourceDocument):
        answer = export(answer, settings_for(answer.subsidiary_id), 2_000)
    if not isinstance(answer, Document):
        assert isinstance(answer, Skipped | Deferred | Rejected)
        assert answer.code.explanation.cause
        return
    assert len(answer.number) <= 30
    assert answer.number.isprintable()
    try:
        xml = render(answer, answer.party.external_id or "P-1")
    except RequestInvalidError:
        return
    root = etree.fromstring(xml.encode())
    amounts = [Decimal(one.text or "") for one in root.iter("amount", "TRX_AMOUNT")]
    assert len(amounts) == len(answer.lines)
    assert sum(amounts) == answer.total
    assert [each.text for each in root.iter("invoiceno", "RECORDID")] == [answer.number]


@given(mutated())
def test_a_broken_event_renders_to_xml_that_adds_up_or_is_refused_by_a_code(made: tuple[EventKind, bytes]):
    the_whole_path(*made)


@given(st.sampled_from(EventKind), st.binary(max_size=500) | st.text(max_size=200).map(str.encode))
@example(EventKind.TOLL, b"\xef\xbb\xbf{}")
def test_any_bytes_are_read_or_are_a_contract_error(kind: EventKind, value: bytes):
    the_whole_path(kind, value)


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 1_000_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"9" * 1_000_000,
        b'{"id": ' + b"-" + b"9" * 1_000_000 + b"}",
        b"0." + b"1" * 1_000_000,
        b"1e" + b"9" * 1_000_000,
        b'"' + b"\\u0000" * 100_000 + b'"',
        b" " * 1_000_000,
        b'{"' + b"a" * 1_000_000 + b'": 1, "' + b"a" * 1_000_000 + b'": 2}',
        b"{" + b",".join(b'"%d":1' % n for n in range(100_000)) + b"}",
    ],
    ids=range(10),
)
def test_a_megabyte_of_anything_is_answered_at_once(value: bytes):
    started = time.process_time()
    the_whole_path(EventKind.INVOICE, value)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("name", ["invoice-load", "driver-statement-1099"])
def test_fifty_thousand_broken_lines_are_answered_at_once(name: str):
    sample = event(name)
    holder = sample["data"].get("invoice") or sample["data"]["statement"]
    holder["lineItems"] = [{"category": 1}] * 50_000
    started = time.process_time()
    the_whole_path(kind_of(sample), json.dumps(sample).encode())
    assert time.process_time() - started < 5


def test_an_unknown_kind_of_settlement_is_named_without_its_value():
    sample = event("carrier-bill")
    sample["data"]["settlementType"] = "secret-" + "\n" * 1000
    with pytest.raises(ContractError) as caught:
        parse_record(EventKind.SETTLEMENT, json.dumps(sample).encode())
    assert "secret" not in caught.value.detail


@given(st.text(max_size=700))
@example("\ud800\x00\n\u202e" * 300)
def test_a_detail_is_one_printable_line_of_bounded_length_and_cleaning_it_again_changes_nothing(text: str):
    line = single_line(text)
    assert line.isprintable()
    assert len(line) <= LONGEST
    assert single_line(line) == line


KEYS = st.builds(
    "/".join,
    st.lists(
        st.sampled_from(["s", "connection", "account", "ap", "ar", "fuel", "default", "vendor", "toll", "dimension"])
        | STRANGE,
        max_size=6,
    ),
)
SETTINGS = st.dictionaries(
    st.sampled_from(["companyId", "credentials", "state", "activatedAt", "account", "vendorId", "ar", "title"]), VALUES
)


@given(
    st.lists(
        st.tuples(
            KEYS.map(str.encode) | st.binary(max_size=40),
            st.none() | st.binary(max_size=40) | SETTINGS.map(json.dumps).map(str.encode),
        ),
        max_size=8,
    )
)
def test_no_record_of_mapping_state_raises_and_what_cannot_be_read_blocks(records: list[tuple[bytes, bytes | None]]):
    state = MappingState()
    for offset, (key, value) in enumerate(records):
        state.apply(key, value, offset)
    for record in state.records():
        if isinstance(record.value, InvalidSetting):
            assert len(record.value.reason) <= LONGEST
    assert state.offset == len(records) - 1
    sample = parse_record(EventKind.INVOICE, json.dumps(event("invoice-load")).encode()).document
    assert isinstance(sample, SourceDocument)
    export(sample, state)


@pytest.mark.parametrize("account", ["40\u200b00", "40\n00", "40\x0000"])
def test_an_account_with_a_sign_that_nobody_sees_blocks_and_is_not_sent(account: str):
    state = MappingState()
    state.apply(b"s/account/ar/default/default", json.dumps({"account": account}).encode(), 0)
    [problem] = state.problems()
    assert isinstance(problem.value, InvalidSetting)
