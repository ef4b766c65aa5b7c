"""The table of what Sage's errors mean, case by case, and the tree that carries it."""

import copy
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from domain.codes import Code
from sage_client import Certainty, ErrorCategory, ExchangeLevel, GatewayError, SageError, classify, errors
from sage_client._classify import as_read
from sage_client._error_table import RULES
from sage_client._transport import LONGEST_RETRY_AFTER, retry_after

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
CONTROL, AUTH, OPERATION, RESULT, HTTP = (
    ExchangeLevel.CONTROL,
    ExchangeLevel.AUTHENTICATION,
    ExchangeLevel.OPERATION,
    ExchangeLevel.RESULT,
    ExchangeLevel.HTTP,
)


def said(number: str = "", text: str = "", correction: str = "") -> GatewayError:
    return GatewayError.of(number, "", text, correction)


@pytest.mark.parametrize(
    ("level", "status", "number", "text", "expected"),
    [
        # web-services/error-handling, support/faq and the SDKs' fixtures
        (CONTROL, 200, "XL03000003", "XML Parse schema error: Fatal Error 76", errors.RequestInvalidError),
        (CONTROL, 200, "XL03000006", "Incorrect Intacct XML Partner ID or password.", errors.ConfigurationError),
        (AUTH, 200, "XL03000006", "Sign-in information is incorrect", errors.SignInError),
        (AUTH, 200, "XL03000006", "Invalid Web Services Authorization", errors.ConfigurationError),
        (AUTH, 200, "XL03000006", "The sender ID 'x' is not authorized", errors.ConfigurationError),
        (RESULT, 200, "XL03000006", "The following fields cannot be queried", errors.RequestInvalidError),
        (AUTH, 200, "PL04000055", "This company is a demo company and has expired.", errors.ConfigurationError),
        (CONTROL, 401, "XMLGW_JPP0002", "Sign-in information is incorrect.", errors.SignInError),
        (CONTROL, 401, "UJPP0002", "", errors.SignInError),
        (CONTROL, 401, "", "", errors.SignInError),
        (CONTROL, 400, "GW-0011", "Invalid Request [Request ID 7]", errors.ConfigurationError),
        (CONTROL, 400, "invalidRequest", "Invalid Request", errors.SignInError),
        (CONTROL, 429, "GW-0010", "API rate limit exceeded", errors.ThrottledError),
        (CONTROL, 200, "", "API rate limit exceeded", errors.ThrottledError),
        (RESULT, 200, "", "API rate limit exceeded", errors.ThrottledError),
        (CONTROL, 500, "GW-0001", "Unable to process request", errors.UnavailableError),
        (CONTROL, 503, "", "", errors.UnavailableError),
        (CONTROL, 200, "ZZ", "something new", errors.ConfigurationError),
        (CONTROL, 200, "", "The Service is Temporarily Off-line", errors.UnavailableError),
        (AUTH, 200, "", "The Service is Temporarily Off-line", errors.UnavailableError),
        (RESULT, 200, "", "The Service is Temporarily Off-line", errors.UnknownOutcomeError),
        (
            RESULT,
            200,
            "PL04000005",
            "You do not have permission for API operation CREATE",
            errors.PermissionDeniedError,
        ),
        (RESULT, 200, "XL03000009", "Object definition ARINVOICEX not found", errors.PermissionDeniedError),
        (RESULT, 200, "XL03000010", "field does not exist", errors.RequestInvalidError),
        (RESULT, 200, "DL02000001", "There was an error processing the request.", errors.RequestInvalidError),
        (RESULT, 200, "BL03002129", "invalid Action", errors.RequestInvalidError),
        (RESULT, 200, "BL03002185", "A transaction with that number already exists.", errors.DuplicateNumberError),
        (RESULT, 200, "BL34000061", "Another Contact with the given value(s)", errors.DuplicateNumberError),
        (RESULT, 200, "BL01001973", "Duplicate account number", errors.DuplicateNumberError),
        (RESULT, 200, "BL01001973", "Another record with the value 7", errors.DuplicateNumberError),
        (RESULT, 200, "BL01001973", "Invalid Project '10064' specified.", errors.DimensionInvalidError),
        (RESULT, 200, "BL01001973", "Cannot find customer with key C-1", errors.PartyInvalidError),
        (RESULT, 200, "BL01001973", "Could not create APBill record.", errors.RefusedError),
        (RESULT, 200, "BL01001973", "Currently, we can't create the transaction", errors.RefusedError),
        (RESULT, 200, "BL01001973", "The period is closed", errors.PeriodClosedError),
        (RESULT, 200, "BL03000018", "Date must be on or after 03/01/2026", errors.PeriodClosedError),
        (RESULT, 200, "BL03000018", "GL account requires a location dimension", errors.DimensionMissingError),
        (RESULT, 200, "BL03002128", "Enter a Bill number, and try again.", errors.RefusedError),
        (RESULT, 200, "PL01000127", "Document Number is missing", errors.RefusedError),
        (RESULT, 200, "NEVER-SEEN-1", "who knows", errors.RefusedError),
        (RESULT, 200, "", "", errors.RefusedError),
        (OPERATION, 200, "NEVER-SEEN-1", "who knows", errors.UnknownOutcomeError),
        (HTTP, 502, "", "", errors.UnreadableAnswerError),
        (HTTP, 429, "", "", errors.ThrottledError),
    ],
)
def test_each_error_has_its_class(level, status, number, text, expected):
    found = classify(level, status, (said(number, text),) if number or text else ())
    assert type(found) is expected


@pytest.mark.parametrize(
    "text",
    [
        "Duplicate control id",
        "The controlid 'abc' has already been used",
        "Function with control id abc was previously executed and completed",
        "control ID must be unique",
        "This request was already processed.",
        "A request cannot be repeated when uniqueid is true",
        "duplicate function",
    ],
)
@pytest.mark.parametrize("level", [CONTROL, AUTH, OPERATION, RESULT])
@pytest.mark.parametrize("number", ["", "XL03000006", "BL01001973", "BL03002185", "NEVER-SEEN-1"])
def test_a_repeated_control_id_is_unknown_whatever_its_number_and_wherever_it_is_said(text, level, number):
    found = classify(level, 200, (said(number, text),))
    assert type(found) is errors.DuplicateCallError
    assert found.certainty is Certainty.UNKNOWN
    assert found.needs_look_up


def test_the_specific_error_speaks_and_the_wrapper_keeps_silent():
    wrapper = said("BL01001973", "Could not create APBill record.")
    for order in ((said("BL03002185"), wrapper), (wrapper, said("BL03002185"))):
        assert type(classify(RESULT, 200, order)) is errors.DuplicateNumberError


def test_a_duplicate_beside_other_errors_is_still_looked_up():
    found = classify(RESULT, 200, (said("BL03000018", "no such location"), said("BL03002185")))
    assert type(found) is errors.DuplicateNumberError


def test_rolled_back_inherits_the_class_beside_it():
    undone = said("XL03000009", "The entire transaction in this operation has been rolled back due to an error.")
    assert type(classify(RESULT, 200, (said("BL03000018", "period closed"), undone))) is errors.PeriodClosedError
    assert type(classify(RESULT, 200, (undone,), siblings=[said("PL04000005")])) is errors.PermissionDeniedError
    assert type(classify(RESULT, 200, (undone,), siblings=[said("NEW-1")])) is errors.RefusedError
    assert type(classify(RESULT, 200, (undone,))) is errors.UnavailableError


def test_a_correction_that_asks_for_patience_is_no_refusal_of_the_document():
    patience = said("BL01001973", "Something failed", "Please Try Again Later")
    assert type(classify(CONTROL, 200, (patience,))) is errors.UnavailableError
    assert type(classify(RESULT, 200, (patience,))) is errors.UnknownOutcomeError


def test_support_ids_are_kept_apart_and_decoded():
    error = GatewayError.of("BL01001973", "", "Already exists [Support ID: EsppO%7EZEc]", "Retry [Support ID: other]")
    assert error.description2 == "Already exists"
    assert error.correction == "Retry"
    assert error.support_ids == ("EsppO~ZEc", "other")
    found = classify(RESULT, 200, (error,))
    assert found.support_ids == ("EsppO~ZEc", "other")
    assert "Support ID" not in str(found)


def leaves(root: type[SageError] = SageError) -> list[type[SageError]]:
    return [leaf for kind in root.__subclasses__() for leaf in (leaves(kind) or [kind])]


def test_every_leaf_says_what_is_proven_what_to_do_and_its_code():
    for leaf in leaves():
        assert leaf.code in Code
        assert (leaf.kind is None) == (leaf.certainty is Certainty.UNKNOWN)
        assert leaf.needs_look_up or leaf.certainty is Certainty.NOT_DONE
        assert leaf.__name__ in errors.__doc__
        assert leaf.__name__ in errors.__all__


def test_every_rule_asks_for_something():
    assert all(rule.numbers or rule.words for rule in RULES)


def test_a_read_is_never_unknown():
    for leaf in leaves():
        for status in (None, 200, 302, 404, 503):
            read = as_read(leaf("x", level=HTTP, http_status=status))
            assert read.certainty is Certainty.NOT_DONE
    assert as_read(errors.UnreadableAnswerError("x", level=HTTP, http_status=403)).kind is ErrorCategory.CONFIGURATION
    assert as_read(errors.UnreadableAnswerError("x", level=HTTP, http_status=503)).kind is ErrorCategory.RETRY


def test_errors_survive_copying_and_pickling():
    found = classify(RESULT, 200, (said("BL03002185", "exists"),), retry_after=3)
    for twin in (copy.copy(found), pickle.loads(pickle.dumps(found))):
        assert type(twin) is type(found)
        assert (twin.message, twin.errors, twin.level, twin.retry_after) == (found.message, found.errors, RESULT, 3)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("0", 0),
        ("17", 17),
        ("99999999999", LONGEST_RETRY_AFTER),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30),
        (format_datetime(NOW - timedelta(seconds=30), usegmt=True), 0),
        ("Mon, 09 Mar 2026 12:00:09 -0000", 9),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(header, NOW) == seconds
