"""Text and numbers: always XML that lxml takes, never another number than the document's."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from sage_client import errors
from sage_client._text import amount, clean, escape, prose, required_text, split_date, us_date
from tests.support.rendered_xml import ANY_TEXT


@given(ANY_TEXT)
@example("]]>")
@example("\r\n")
def test_whatever_the_text_lxml_reads_it_back_but_for_what_xml_forbids(text):
    read = etree.fromstring(f"<a>{escape(text)}</a>".encode()).text or ""
    assert read == clean(text)


@given(ANY_TEXT, st.integers(0, 40))
def test_a_text_for_people_is_sent_whole_or_refused_and_never_cut(text, length):
    if len(text) > length:
        with pytest.raises(errors.RequestInvalidError, match=f"memo has {len(text)} characters, Sage takes {length}"):
            prose(text, "memo", length)
    else:
        sent = prose(text, "memo", length)
        assert (etree.fromstring(f"<a>{sent}</a>".encode()).text or "") == clean(text)


@given(ANY_TEXT)
def test_an_id_reaches_sage_as_it_is_or_not_at_all(text):
    try:
        sent = required_text(text, "account", 30)
    except errors.RequestInvalidError:
        assert not text or len(text) > 30 or clean(text) != text
    else:
        assert etree.fromstring(f"<a>{sent}</a>".encode()).text == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=2))
def test_an_amount_keeps_its_value_and_has_two_decimals(value):
    text = amount(value)
    assert Decimal(text) == value
    assert len(text.partition(".")[2]) == 2
    assert not set(text) - set("-.0123456789")


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+3", "1000.00"), ("0", "0.00"), ("-0.00", "0.00"), ("0E-8", "0.00"), ("12.300", "12.30"), ("-5", "-5.00")],
)
def test_an_amount_has_no_exponent_and_no_negative_zero(value, text):
    assert amount(Decimal(value)) == text


@pytest.mark.parametrize("value", ["0.001", "1.005", "NaN", "Infinity", "-Infinity", "sNaN", "1E-7", "1E+60"])
def test_an_amount_that_is_not_whole_cents_is_refused_never_rounded(value):
    with pytest.raises(errors.RequestInvalidError):
        amount(Decimal(value))


def test_dates_are_padded():
    assert us_date(date(2026, 3, 9)) == "03/09/2026"
    assert split_date(date(2026, 3, 9)) == "<year>2026</year><month>03</month><day>09</day>"
