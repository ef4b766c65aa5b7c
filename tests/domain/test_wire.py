"""Bytes become an event with the very Decimal that was written, or a ContractError, never anything else."""

import contextlib
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.codes import Class, Code
from domain.documents import SourceDocument
from domain.events import ContractError, EventKind, decode
from domain.events.fields import to_amount
from domain.events.wire import parse
from domain.translation import ParsedRecord, parse_record
from tests.support.events import NAMES, event, kind_of, read, to_bytes

KINDS = st.sampled_from(EventKind)


def code_of(kind: EventKind, value: bytes | None) -> Code:
    with pytest.raises(ContractError) as caught:
        parse_record(kind, value)
    assert caught.value.code.explanation.outcome is Class.DEAD
    assert caught.value.detail
    return caught.value.code


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff\xfe",
        b"{",
        b'{"id": "a", "id": "b"}',
        b"[" * 100_000,
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'"\\ud800"',
        b'{"a": "\x01"}',
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b"9" * 10_000,
        b"1e" + b"9" * 50,
    ],
)
def test_what_is_not_json_is_undecodable(value):
    assert code_of(EventKind.INVOICE, value) is Code.MALFORMED_JSON


def test_an_event_on_the_wrong_topic_of_an_unknown_type_or_version_is_told_apart():
    sample = event("toll")
    assert code_of(EventKind.INVOICE, to_bytes(sample)) is Code.WRONG_TOPIC
    assert code_of(EventKind.TOLL, to_bytes(sample | {"type": "toll.deleted"})) is Code.UNKNOWN_TYPE
    assert code_of(EventKind.TOLL, to_bytes(sample | {"version": "v2"})) is Code.UNKNOWN_VERSION
    assert code_of(EventKind.TOLL, to_bytes(sample | {"version": 1})) is Code.SCHEMA_VIOLATION
    assert code_of(EventKind.TOLL, to_bytes(sample | {"type": None})) is Code.SCHEMA_VIOLATION
    assert code_of(EventKind.TOLL, b"[]") is Code.SCHEMA_VIOLATION


@pytest.mark.parametrize(
    "amount",
    [True, None, "", "1,000.00", " 1", "NaN", "Infinity", "-inf", "1_0", "٣", "0x1", "+1", [], {}, 10**16, "1e400"],
)
def test_an_amount_that_is_no_plain_number_breaks_the_contract(amount):
    sample = event("toll")
    sample["data"]["toll"]["amount"]["amount"] = amount
    assert code_of(EventKind.TOLL, to_bytes(sample)) is Code.SCHEMA_VIOLATION


@pytest.mark.parametrize("number", ["1e400", "1e-400", "-1e16", "0." + "1" * 80])
def test_a_number_no_ledger_can_hold_breaks_the_contract(number):
    value = to_bytes(event("toll")).replace(b'"amount": 31.2', b'"amount": ' + number.encode())
    assert code_of(EventKind.TOLL, value) is Code.SCHEMA_VIOLATION


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("invoice", "number"), 1008841),
        (("invoice", "id"), ""),
        (("invoice", "id"), "  "),
        (("invoice", "createdDate"), None),
        (("invoice", "createdDate"), 1781107520),
        (("invoice", "createdDate"), "2026-06-10T16:05:20"),
        (("invoice", "createdDate"), "2026-02-30"),
        (("invoice", "createdDate"), "20260610"),
        (("invoice", "invoicedDate"), "9999-12-31"),
        (("invoice", "lineItems"), None),
        (("invoice", "lineItems"), {}),
        (("invoice", "total"), None),
        (("invoice", "total", "currency"), "840"),
        (("invoice", "total", "currency"), True),
        (("invoice", "total", "currency"), 10**9),
        (("customer", "name"), 7),
        (("customer", "paymentTermsInDays"), -1),
        (("customer", "paymentTermsInDays"), True),
        (("customer", "paymentTermsInDays"), 10**9),
        (("subsidiary", "id"), None),
        (("loads",), "x"),
        (("customer", "name"), "Nul\x00"),
        (("customer", "name"), "\ufffe"),
        (("subsidiary",), None),
    ],
)
def test_a_wrong_field_breaks_the_contract_and_is_named_without_its_value(path, wrong):
    sample = event("invoice-load")
    place = sample["data"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = wrong
    with pytest.raises(ContractError) as caught:
        parse_record(EventKind.INVOICE, to_bytes(sample))
    assert caught.value.code is Code.SCHEMA_VIOLATION
    assert path[0] in caught.value.detail.replace("_", "")
    assert "1008841" not in caught.value.detail


@pytest.mark.parametrize("sign", ["\ufffe", "\uffff"])
def test_a_sign_that_xml_cannot_hold_is_found_unescaped_too(sign):
    sample = event("invoice-load")
    sample["data"]["customer"]["name"] = f"Prairie{sign}"
    assert code_of(EventKind.INVOICE, json.dumps(sample, ensure_ascii=False).encode()) is Code.SCHEMA_VIOLATION


@pytest.mark.parametrize(("name", "flag"), [("fuel-reefer", "deductFuel"), ("toll", "deductToll")])
def test_whether_a_row_is_deducted_is_never_guessed(name, flag):
    sample = event(name)
    del sample["data"][flag]
    assert code_of(kind_of(sample), to_bytes(sample)) is Code.SCHEMA_VIOLATION


def test_a_carrier_bill_without_any_date_breaks_the_contract():
    sample = event("carrier-bill")
    del sample["data"]["trip"]["releasedAt"], sample["data"]["trip"]["deliveredAt"]
    assert code_of(EventKind.SETTLEMENT, to_bytes(sample)) is Code.SCHEMA_VIOLATION


def test_unknown_fields_are_ignored_whatever_they_hold():
    sample = event("invoice-load")
    expected = read(sample)
    sample["data"]["invoice"]["later"] = {"deep": [1, None, "\x00"]}
    sample["extra"] = True
    assert read(sample) == expected


@pytest.mark.parametrize("number", [10432, "10432", " 10432 "])
def test_a_statement_number_may_be_written_as_number_or_text(number):
    sample = event("driver-statement-1099")
    sample["data"]["statement"]["number"] = number
    assert read(sample) == read(event("driver-statement-1099"))


CENTS = st.decimals(-(10**15), 10**15, places=2)


@given(CENTS)
@example(Decimal("0.1"))
@example(Decimal("2450.0"))
@example(Decimal("12345678901234.56"))
@example(Decimal("-1E+15"))
def test_a_json_number_and_a_json_string_both_give_exactly_the_decimal_written(amount):
    for written in (str(amount), f'"{amount}"'):
        found = to_amount(parse(written.encode()))
        assert found == amount
        assert str(found) == str(amount)


@given(st.integers(-(10**15), 10**15))
def test_an_integer_is_exact(number):
    assert to_amount(parse(str(number).encode())) == number


@given(KINDS, st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_anything_but_a_contract_error(kind, value):
    with contextlib.suppress(ContractError):
        decode(kind, value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["", "0", "\x00", "2026-06-10", "9999-12-31", 10**400, -0.0, 1e308, "DriverStatement"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*path, index)
            yield from leaves(inner, (*path, index))


@given(st.data(), st.sampled_from(NAMES), JSON)
def test_a_sample_with_any_one_field_broken_reads_or_is_a_contract_error(data, name, wrong):
    sample = event(name)
    path = data.draw(st.sampled_from(list(leaves(sample))))
    place = sample
    for step in path[:-1]:
        place = place[step]
    if data.draw(st.booleans()):
        place[path[-1]] = wrong
    else:
        del place[path[-1]]
    try:
        received = parse_record(kind_of(event(name)), json.dumps(sample).encode())
    except ContractError:
        return
    assert isinstance(received, ParsedRecord)
    assert received.key
    assert len(received.revision) == 32
    if isinstance(received.document, SourceDocument):
        assert sum(line.amount for line in received.document.lines) == received.document.total
        assert len(received.document.number) <= 45
