"""What Sage was published to say means what it means, however it is written: the table of wordings, row by row."""

import html
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_client import Certainty, ExchangeLevel, GatewayError, Refused, Unknown, classify, errors
from sage_client._reply import Reply, Result
from sage_client.answers import failed, in_resend, match
from tests.support.sage_calls import why

pytestmark = pytest.mark.feature("error classes")

TABLE = json.loads((Path(__file__).parent.parent / "fixtures" / "sage" / "wordings.json").read_text())
ROWS = TABLE["rows"]
WRAPPER = GatewayError.of("BL01001973", "", "Could not create APBill record!", "")


def error_of(row):
    return GatewayError.of(row.get("errorno", ""), "", row["text"], row.get("correction", ""))


def meaning(row, *said, level=None):
    found = classify(
        level or ExchangeLevel(row["level"]), row.get("http", 200), said or (error_of(row),),
        aborted=row.get("status") == "aborted",
    )  # fmt: skip
    return type(found).__name__


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['level']}: {row['text'][:60]}")
def test_each_published_wording_has_its_class(row):
    assert meaning(row) == row["means"]
    assert row["source"] in TABLE["sources"]


@pytest.mark.parametrize("row", [row for row in ROWS if row["level"] == "result"], ids=lambda row: row["text"][:60])
def test_a_specific_error_keeps_its_class_before_a_generic_wrapper(row):
    if row.get("status") != "aborted":
        assert meaning(row, error_of(row), WRAPPER) == row["means"]
        assert meaning(row, WRAPPER, error_of(row)) == row["means"]


rows = st.sampled_from(ROWS)
writings = st.sampled_from(
    [
        str.upper,
        str.lower,
        html.escape,
        lambda text: html.escape(html.escape(text)),
        lambda text: text.replace("'", "&#39;"),
        lambda text: text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}"),
        lambda text: text.replace(" ", "\n  "),
        lambda text: text.replace(" ", "\N{NO-BREAK SPACE}"),
        lambda text: f"<b>{text}</b><br/>",
        lambda text: f"{text} [Support ID: x7%7EYd]",
        lambda text: f"{text} [Support ID x7%7EYd]",
    ]
)


@given(rows, writings, st.sampled_from(["description", "description2", "correction"]))
def test_case_entities_quotes_line_breaks_and_the_field_make_no_difference(row, write, field):
    said = dict.fromkeys(("description", "description2", "correction"), "")
    said["correction"] = row.get("correction", "")
    said[field] = f"{write(row['text'])} {said[field]}".strip()
    found = GatewayError.of(row.get("errorno", ""), said["description"], said["description2"], said["correction"])
    assert meaning(row, found) == row["means"]
    assert "x7" not in str(found)


numbers = st.sampled_from(["", "NEVER-SEEN-1", "BL01001973", "XL03000009"])
errors_said = st.builds(
    lambda row, number: GatewayError.of(number, "", row["text"], row.get("correction", "")), rows, numbers
)


@given(st.lists(errors_said, max_size=3), st.permutations(range(4)), st.sampled_from(list(ExchangeLevel)))
def test_nothing_beside_it_makes_a_running_or_repeated_call_a_refusal(others, order, level):
    running = GatewayError.of("", "", "A request's function with the control ID abc is in process.", "")
    said = [running, *others]
    mixed = tuple(said[place] for place in order if place < len(said))
    found = classify(level, 200, mixed)
    assert isinstance(found, errors.DuplicateCallError)
    assert found.certainty is Certainty.UNKNOWN
    assert found.needs_look_up


PATIENT = ["Please try again later", "A deadlock occurred", "The Service is Temporarily Off-line"]


@given(st.lists(errors_said, max_size=3), st.sampled_from(PATIENT), st.integers(0, 3))
def test_no_words_make_an_unknown_outcome_a_known_one(others, patient, place):
    unknown = GatewayError.of("NEVER-SEEN-2", "", "Something failed", patient)
    said = (*others[:place], unknown, *others[place:])
    found = classify(ExchangeLevel.RESULT, 200, said)
    assert found.certainty is Certainty.UNKNOWN or found.needs_look_up


@given(st.lists(errors_said, min_size=1, max_size=3))
def test_in_place_of_results_no_refusal_of_a_document_is_definite(said):
    found = classify(ExchangeLevel.OPERATION, 200, tuple(said))
    assert not isinstance(found, errors.RefusedError)
    nobody_knows = GatewayError.of("NEVER-SEEN-2", "", "who knows", "")
    assert classify(ExchangeLevel.OPERATION, 200, (*said, nobody_knows)).certainty is Certainty.UNKNOWN


def test_a_passing_trouble_among_several_errors_is_no_refusal_of_the_document():
    limit = GatewayError.of("GW-0010", "", "API rate limit exceeded", "")
    for row in ROWS:
        if row["level"] == "result" and issubclass(getattr(errors, row["means"]), errors.RefusedError):
            found = classify(ExchangeLevel.RESULT, 200, (error_of(row), limit))
            assert isinstance(found, errors.ThrottledError) or found.needs_look_up, row["text"]


@pytest.mark.parametrize(
    "text",
    [
        "The control ID f00 cannot be used now.",
        "Invalid controlid.",
        "Function f00: BL01001973",
        "Wait for control-id f00 to end.",
    ],
)
def test_in_a_resend_any_refusal_that_names_the_control_id_is_unknown(text):
    refusal = failed("f00", classify(ExchangeLevel.RESULT, 200, (GatewayError.of("NEW-1", text, "", ""),)))
    assert isinstance(refusal, Refused)
    assert in_resend(refusal, ()) is refusal
    again = in_resend(refusal, {"f00"})
    assert isinstance(again, Unknown)
    assert isinstance(again.error, errors.DuplicateCallError)


def test_in_a_resend_a_refusal_for_what_the_document_says_stays_one():
    refusal = failed(
        "f00", classify(ExchangeLevel.RESULT, 200, (GatewayError.of("", "", "Account 4000 is not valid", ""),))
    )
    assert in_resend(refusal, {"f00"}) is refusal


def aborted(*said):
    results = (
        Result("a", "failure", "", (), None, (GatewayError.of("BL03000018", "", "Missing unit", ""),)),
        Result("b", "aborted", "", (), None, said),
    )
    return match(["a", "b"], Reply("r", None, (), None, results))["b"]


def test_what_was_undone_with_another_one_is_not_refused_for_nothing():
    rolled_back = GatewayError.of("XL03000009", "", "The entire transaction has been rolled back due to an error.", "")
    for answer in (aborted(), aborted(rolled_back)):
        assert isinstance(answer, Refused)
        assert type(answer.error) is errors.RefusedError  # as the one that failed
    alone = Result("b", "aborted", "", (), None, ())
    assert why(match(["b"], Reply("r", None, (), None, (alone,)))["b"]).kind is errors.ErrorCategory.RETRY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The specified GL account '4900' : 'Reverse freight' is not valid. GL account is restricted by location.",
         errors.AccountInvalidError),
        ("Missing the reversal reason dimension; enable it.", errors.DimensionMissingError),
        ("Date must be on or after 07/01/26 (reversal journal)", errors.PeriodClosedError),
        ("The reversal date 06/30/2026 is within a period that's been closed, enter a later one after it",
         errors.PeriodClosedError),
        ("Invoice 'Reversed - 7' cannot be reversed: reversal of unpaid invoices is not enabled.",
         errors.ReversalDisabledError),
        ("reverseDate must be later than the postingDate of the invoice", errors.ReversalDateError),
        ("The reversal date cannot be earlier than the transaction date.", errors.ReversalDateError),
    ],
)  # fmt: skip
def test_words_of_a_reversal_take_nothing_from_what_was_published(text, expected):
    assert type(classify(ExchangeLevel.RESULT, 200, (GatewayError.of("BL03000018", "", text, ""), WRAPPER))) is expected
