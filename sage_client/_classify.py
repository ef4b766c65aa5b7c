"""From what Sage answered to what it means: one pure predicate over the table in `_rules`.

What is proven, and by what:

* `control/status` or `authentication/status` other than success, in gateway XML: no function ran, whatever the HTTP
  status. A 500 that carries such a body is therefore proven not done.
* `result/status` "failure" or "aborted": Sage says that this function was not done, so an unknown number is a refusal.
  A function that was only undone with another one ("aborted" without an error of its own) is not refused itself.
* Errors in place of results after a successful sign-in: how far the operation ran is not said anywhere. Unknown, unless
  the table knows the error.
* HTTP 429 is a refusal to take the request. Every other HTTP answer that is not gateway XML proves nothing: a 500, 502,
  503 or 504 may come from a hop in front of a Sage that goes on working, and 524 says just that (Sage's own SDKs never
  retry it). They are unknown.
"""

from collections.abc import Iterable

from sage_client._kinds import Level
from sage_client._rules import GENERIC, REFINED, Rule, Verdict, rule_for
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
"""Appended to a failure, and alone on the functions that were undone with it (`transaction="true"`)."""

_UNKNOWN_ERRORS: dict[Level, type[SageError]] = {
    Level.LOCAL: RequestInvalidError,
    Level.TRANSPORT: ConnectionLostError,
    Level.HTTP: UnreadableAnswerError,
    Level.AUTHENTICATION: SignInError,
    Level.OPERATION: UnknownOutcomeError,
    Level.RESULT: RefusedError,
}
"""What errors mean that the table does not know, by level. On the control level it depends on the HTTP status."""

_DECISIVE: tuple[type[SageError], ...] = (DuplicateCallError, DuplicateNumberError)
"""Where several errors are given, these speak first: they are the ones after which a document may exist."""
_PASSING: tuple[type[SageError], ...] = (ThrottledError, UnavailableError, SignInError)
"""Then, behind an unknown outcome, what passes by itself: whatever else is said may be its consequence."""


def classify(
    level: Level,
    http_status: int | None,
    errors: tuple[GatewayError, ...],
    *,
    siblings: Iterable[GatewayError] = (),
    aborted: bool = False,
    retry_after: float | None = None,
) -> SageError:
    """Say what a failure means.

    Args:
        level: Where the failure was said.
        http_status: The HTTP answer's status.
        errors: Sage's errors for this request or function; may be empty.
        siblings: Errors of the other functions, asked only where `errors` says no more than "rolled back".
        aborted: Whether Sage says that the function was undone with others, and so may have no error of its own.
        retry_after: Seconds that Sage asked us to wait.
    """
    found = _meaning(level, errors)
    if found is None and (errors or aborted) and all(error.errorno == ROLLED_BACK for error in errors):
        # Not refused itself: what the function that failed was refused for, or nothing that is known.
        beside = tuple(siblings)
        unknown = _otherwise(level, http_status) if any(e.errorno != ROLLED_BACK for e in beside) else UnavailableError
        found = _meaning(level, beside) or unknown
    found = found or _otherwise(level, http_status)
    if level is Level.OPERATION and issubclass(found, RefusedError):
        found = UnknownOutcomeError  # one document of the request was refused: which, and what became of the others?
    words = "; ".join(str(error) for error in errors) or f"HTTP {http_status}, {level} level, without words of Sage"
    return found(words, level=level, http_status=http_status, errors=errors, retry_after=retry_after)


def _meaning(level: Level, errors: tuple[GatewayError, ...]) -> Verdict:
    """What several errors mean together; None where the table knows none of them."""
    found = [rule_for(level, error) for error in errors]
    rules = [rule for rule in found if rule is not None and rule.verdict is not None]
    known = [rule.verdict for rule in rules]
    for decisive in _DECISIVE:
        if decisive in known:
            return decisive
    if UnknownOutcomeError in known:
        return UnknownOutcomeError if _only_read(rules[0]) else known[0]
    if level is Level.OPERATION and None in found:
        return UnknownOutcomeError
    for passing in _PASSING:
        if passing in known:
            return passing
    return next((verdict for verdict in known if verdict is not RefusedError), known[0] if known else None)


def _only_read(rule: Rule) -> bool:
    """Whether only our reading of the words knows the error; that does not outweigh an unknown outcome beside it."""
    return rule.verdict in REFINED or rule.numbers <= {GENERIC}


def _otherwise(level: Level, http_status: int | None) -> type[SageError]:
    """What it means where the table knows none of the errors."""
    if http_status == HTTP_TOO_MANY_REQUESTS:
        return ThrottledError
    if level is Level.CONTROL:
        if http_status == HTTP_UNAUTHORIZED:
            return SignInError
        return UnavailableError if (http_status or 0) >= HTTP_SERVER_ERRORS else ConfigurationError
    return _UNKNOWN_ERRORS[level]


def as_read(error: SageError) -> SageError:
    """What a failure means for a request that changes nothing: not known becomes not read, to be asked again.

    An answer that is not Sage's at all (HTTP 3xx or 4xx without gateway XML) comes from a wrong address or a closed
    door. A session that ended within one function says nothing of the credentials.
    """
    ended = isinstance(error, SignInError) and error.level is Level.RESULT
    if not ended and not isinstance(error, UnknownOutcomeError):
        return error
    closed_door = error.level is Level.HTTP and 300 <= (error.http_status or 0) < HTTP_SERVER_ERRORS  # noqa: PLR2004 - 3xx and 4xx
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
