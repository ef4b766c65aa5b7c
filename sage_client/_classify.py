"""Classification of Sage's answers: one pure function over the table in `_error_table`.

What each answer proves:

* `control/status` or `authentication/status` other than success, in gateway XML: no function ran, whatever the HTTP
  status. So an HTTP 500 with such a body is proven not done.
* `result/status` "failure" or "aborted": Sage says that this function was not done, so an unknown error number is a
  refusal. A function that was only rolled back along with another one ("aborted" without an error of its own) was not
  refused itself.
* Errors in place of results after a successful sign-in: no source says how far the operation ran. The outcome is
  unknown, unless the table knows the error.
* HTTP 429: Sage refused to take the request. Every other HTTP answer that is not gateway XML proves nothing. A 500,
  502, 503 or 504 may come from a proxy in front of Sage while Sage goes on working, and a 524 says exactly that (Sage's
  own SDKs never retry it). The outcome is unknown.
"""

from collections.abc import Iterable

from sage_client._error_categories import ExchangeLevel
from sage_client._error_table import GENERIC, WORDING_ONLY, ErrorClass, ErrorRule, rule_for
from sage_client.errors import (
    ConfigurationError,
    ConnectionLostError,
    DuplicateCallError,
    DuplicateNumberError,
    GatewayRedirectsError,
    RedirectedError,
    RefusedError,
    RequestInvalidError,
    SageError,
    SignInError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
    UnreadableAnswerError,
)
from sage_client.gateway_error import GatewayError

HTTP_TOO_MANY_REQUESTS = 429
HTTP_SERVER_ERRORS = 500
HTTP_UNAUTHORIZED = 401

ROLLED_BACK = "XL03000009"
"""Error number "rolled back". It is added to a failure, and is the only error of functions rolled back along with it
(`transaction="true"`)."""

_UNKNOWN_ERRORS: dict[ExchangeLevel, type[SageError]] = {
    ExchangeLevel.LOCAL: RequestInvalidError,
    ExchangeLevel.TRANSPORT: ConnectionLostError,
    ExchangeLevel.HTTP: UnreadableAnswerError,
    ExchangeLevel.AUTHENTICATION: SignInError,
    ExchangeLevel.OPERATION: UnknownOutcomeError,
    ExchangeLevel.RESULT: RefusedError,
}
"""Classes of errors that the table does not know, by level. On the control level the HTTP status decides."""

_DECISIVE: tuple[type[SageError], ...] = (DuplicateCallError, DuplicateNumberError)
"""Classes that decide first among several errors, because after them the document may exist in Sage."""
_PASSING: tuple[type[SageError], ...] = (ThrottledError, UnavailableError, SignInError)
"""Passing conditions. They decide after an unknown outcome, because the other errors may be consequences of them."""


def classify(
    level: ExchangeLevel,
    http_status: int | None,
    errors: tuple[GatewayError, ...],
    *,
    siblings: Iterable[GatewayError] = (),
    aborted: bool = False,
    retry_after: float | None = None,
) -> SageError:
    """Classify a failure.

    Args:
        level: The level on which the failure was reported.
        http_status: The HTTP status; None if it is not known here.
        errors: Sage's errors for this request or function; may be empty.
        siblings: Errors of the other functions of the request, used only if `errors` says no more than "rolled back".
        aborted: Whether Sage rolled the function back along with others, so that it may have no error of its own.
        retry_after: Seconds that Sage asked to wait; None if it did not ask.

    Returns:
        The error to raise or to return.
    """
    found = _meaning(level, errors)
    if found is None and (errors or aborted) and all(error.errorno == ROLLED_BACK for error in errors):
        # This function was rolled back, not refused: the error of the function that failed decides, if it is known.
        beside = tuple(siblings)
        unknown = _otherwise(level, http_status) if any(e.errorno != ROLLED_BACK for e in beside) else UnavailableError
        found = _meaning(level, beside) or unknown
    found = found or _otherwise(level, http_status)
    if level is ExchangeLevel.OPERATION and issubclass(found, RefusedError):
        found = UnknownOutcomeError  # it is not known which document was refused, nor the outcome of the others
    words = "; ".join(str(error) for error in errors) or f"HTTP {http_status}, {level} level, without words of Sage"
    return found(words, level=level, http_status=http_status, errors=errors, retry_after=retry_after)


def _meaning(level: ExchangeLevel, errors: tuple[GatewayError, ...]) -> ErrorClass:
    """Classify several errors together; None if the table knows none of them."""
    found = [rule_for(level, error) for error in errors]
    rules = [rule for rule in found if rule is not None and rule.error_class is not None]
    known = [rule.error_class for rule in rules]
    for decisive in _DECISIVE:
        if decisive in known:
            return decisive
    if UnknownOutcomeError in known:
        return UnknownOutcomeError if _only_read(rules[0]) else known[0]
    if level is ExchangeLevel.OPERATION and None in found:
        return UnknownOutcomeError
    for passing in _PASSING:
        if passing in known:
            return passing
    return next((error_class for error_class in known if error_class is not RefusedError), known[0] if known else None)


def _only_read(rule: ErrorRule) -> bool:
    """Whether the rule knows the error only by its wording. Such a rule does not outweigh an unknown outcome."""
    return rule.error_class in WORDING_ONLY or rule.numbers <= {GENERIC}


def _otherwise(level: ExchangeLevel, http_status: int | None) -> type[SageError]:
    """Choose the class if the table knows none of the errors."""
    if http_status == HTTP_TOO_MANY_REQUESTS:
        return ThrottledError
    if level is ExchangeLevel.CONTROL:
        if http_status == HTTP_UNAUTHORIZED:
            return SignInError
        return UnavailableError if (http_status or 0) >= HTTP_SERVER_ERRORS else ConfigurationError
    return _UNKNOWN_ERRORS[level]


def as_read(error: SageError) -> SageError:
    """Reclassify a failure of a request that only reads: an unknown outcome becomes "not read", and may be retried.

    An answer that does not come from Sage (HTTP 3xx or 4xx without gateway XML) means a wrong address or a blocked
    access: a configuration error. A session that ended within one function says nothing about the credentials.
    """
    ended = isinstance(error, SignInError) and error.level is ExchangeLevel.RESULT
    if not ended and not isinstance(error, UnknownOutcomeError):
        return error
    closed_door = error.level is ExchangeLevel.HTTP and 300 <= (error.http_status or 0) < HTTP_SERVER_ERRORS  # noqa: PLR2004 - 3xx and 4xx
    kind = ConfigurationError if closed_door else UnavailableError
    if isinstance(error, RedirectedError):
        kind = GatewayRedirectsError
    return kind(
        error.message,
        level=error.level,
        http_status=error.http_status,
        errors=error.errors,
        retry_after=error.retry_after,
    )
