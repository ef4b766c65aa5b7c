"""The one table of Sage's errors and their meanings. `classify` applies the first rule that fits an error.

Several numbers have more than one meaning, so a rule may require a level, a number and words together. Sources: Sage
developer documentation (web-services/error-handling, web-services/requests, support/faq) and the test fixtures of its
SDKs; where both are silent, integrations in production and their help pages. Every published wording is a row of
tests/fixtures/sage/wordings.json, with its source and its class.

For a control id that was used before, Sage publishes only the wording for a call that still runs ("A request's function
with the control ID X is in process."). The rules for it therefore match the meaning and are wide: they lead to a
look-up, never to a second posting. In a resend, any refusal that names the control id leads to a look-up too
(`names_the_call`).

Wordings are compared in the form that `plain` gives them: letter case, HTML entities, typographic quotes, line breaks,
and the field that contains the words make no difference.

The rules for documents that are refused because of their content apply on the level of a function's result only. There
every error is a definite refusal, known or not. So these rules only choose the code, and can never turn an unknown
outcome into a definite one. Their words are Sage's own, as integrations in production match them
(fylein/fyle-intacct-api, apps/sage_intacct/errors/errors.py), with two exceptions that match the meaning: for a vendor
on hold and for a Smart Rule only paraphrases by other vendors are published; for refusals of a reversal (disabled in
the company, a record of another level, a date) nothing is published. The rules for reversals choose a code and its
advice, and lead to no other call than the same reversal a day later.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sage_client._error_categories import ExchangeLevel
from sage_client.errors import (
    AccountInvalidError,
    ConfigurationError,
    DimensionInvalidError,
    DimensionMissingError,
    DuplicateCallError,
    DuplicateNumberError,
    PartyInvalidError,
    PaymentsAppliedError,
    PeriodClosedError,
    PermissionDeniedError,
    RefusedError,
    RequestInvalidError,
    ReversalDateError,
    ReversalDisabledError,
    ReversalElsewhereError,
    SageError,
    SignInError,
    SmartRuleError,
    TermInvalidError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
    VendorOnHoldError,
)
from sage_client.gateway_error import GatewayError

ErrorClass = type[SageError] | None
"""The class of an error; None for a wrapper, whose meaning comes from the errors next to it."""


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """A rule. It fits an error if all its conditions hold; an empty condition always holds."""

    error_class: ErrorClass
    numbers: frozenset[str] = frozenset()
    """Error numbers: one of them must be `errorno` or `additionalinfo/errorid`; a trailing `*` matches any ending."""
    words: tuple[frozenset[str], ...] = ()
    """Sets of phrases: at least one phrase of each set must occur in the words of the error, as `plain` gives them."""
    levels: frozenset[ExchangeLevel] = frozenset()

    def fits(self, level: ExchangeLevel, numbers: tuple[str, ...], text: str) -> bool:
        """Whether this rule fits an error with this level, these numbers and these words."""
        if self.levels and level not in self.levels:
            return False
        if self.numbers and not any(_matches(pattern, number) for pattern in self.numbers for number in numbers):
            return False
        return all(any(phrase in text for phrase in group) for group in self.words)


def _matches(pattern: str, number: str) -> bool:
    return number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern


def _rule(
    error_class: ErrorClass, numbers: str = "", words: Iterable[str] = (), levels: Iterable[ExchangeLevel] = ()
) -> ErrorRule:
    groups = tuple(frozenset(phrase.strip() for phrase in group.split("|")) for group in words)
    return ErrorRule(error_class, frozenset(numbers.split()), groups, frozenset(levels))


_WHOLE = (ExchangeLevel.CONTROL, ExchangeLevel.AUTHENTICATION)
"""The levels that decide before any function runs."""

NAMED = "control id|controlid|control-id"
CONTROL_ID = f"{NAMED}|uniqueid|unique id|unique-id|function id"
REPEATED = (
    "duplicate|already|previously|be unique|not unique|repeat|used before|exists|in use"
    "|in process|in progress|being processed|being executed|is processing|is executing|is running|still running|pending"
)
REPEATED_CALL = (
    "previously executed|previously been executed|already executed|already been executed"
    "|previously processed|already processed|already been processed|previously completed|already completed"
    "|already submitted|already been submitted|cannot be repeated|can not be repeated|can't be repeated"
    "|duplicate request|duplicate function|duplicate call|duplicate operation"
    "|request is in process|function is in process|request is in progress|function is in progress"
)
OVER = "session has expired|session expired|session is expired|session has timed out|session timed out"
"""Wordings for an ended session. For the XML gateway only "Invalid session q...." is published, on the authentication
level."""
OVER_OR_UNKNOWN = f"{OVER}|invalid session|session is invalid|session is not valid|session not found"
"""Wordings for an ended session on levels where no function ran, so that the text of a document cannot be meant."""

_RESULT = (ExchangeLevel.RESULT,)
"""The level of one function's result, where every error is a definite refusal."""
_DIMENSIONS = (
    *("department", "location", "class", "employee", "project", "job", "task", "item", "cost code", "cost type"),
    *("contract", "warehouse", "asset", "grant"),
)
NO_DIMENSION = "|".join(f"invalid {name} " for name in _DIMENSIONS)
"""`Invalid Project '10064' specified.`"""
A_DIMENSION = "|".join(f"{name} '|{name} id " for name in _DIMENSIONS) + "|department "
A_PARTY = "vendor '|customer '|vendor id |customer id "
A_TERM = "term name |term '|payment term "
A_REVERSAL = "reversal|reverse|reversing"
ITS_DATE = (
    "reversal date|reverse date|reversing date|reversed date|reversedate|date reversed|datereversed"
    "|date of reversal|date of the reversal"
)
NOT_VALID = "is not valid|is invalid|is inactive"
"""`Project '10064' specified is not valid.`, `The location '100' is invalid.`"""

WORDING_ONLY: frozenset[ErrorClass] = frozenset(
    (
        *(SmartRuleError, VendorOnHoldError, PaymentsAppliedError, PartyInvalidError, DimensionInvalidError),
        *(DimensionMissingError, AccountInvalidError, TermInvalidError, PeriodClosedError),
        *(ReversalDateError, ReversalElsewhereError, ReversalDisabledError),
    )
)
"""The classes that are known by wording alone."""
GENERIC = "BL01001973"
"""An error number of wrappers and of many other errors."""
REFUSED = "XL03000027 BL03002128 BL03002101 BL03000018 BL03000130 PL01000127 CRE-3211"

RULES: tuple[ErrorRule, ...] = (
    # A repeated control id comes first: to miss it could mean to book twice.
    _rule(DuplicateCallError, words=[CONTROL_ID, REPEATED]),
    _rule(DuplicateCallError, words=[REPEATED_CALL]),
    # Rate limits and availability, on any level.
    _rule(ThrottledError, "GW-0010"),
    _rule(ThrottledError, words=["api rate limit exceeded|rate limit exceeded"]),
    _rule(ThrottledError, words=["too many operations|too many requests|too many concurrent"]),
    _rule(UnavailableError, words=["temporarily off-line|temporarily offline"], levels=_WHOLE),
    _rule(UnknownOutcomeError, words=["temporarily off-line|temporarily offline"]),
    # Two calls collided in Sage's database. The one with this error was probably rolled back, but no source says so.
    _rule(UnavailableError, words=["deadlock|lock wait timeout"], levels=_WHOLE),
    _rule(UnknownOutcomeError, words=["deadlock|lock wait timeout"]),
    # An ended session, on any level: `client` signs in once more and sends the same request again.
    _rule(SignInError, words=[OVER_OR_UNKNOWN], levels=_WHOLE),
    _rule(SignInError, words=[OVER], levels=_RESULT),
    _rule(UnknownOutcomeError, words=[OVER_OR_UNKNOWN], levels=[ExchangeLevel.OPERATION]),
    # Refusals of the whole request.
    _rule(RequestInvalidError, "XL03000003"),
    _rule(ConfigurationError, words=["web services authorization|sender id|partner id|senderid"], levels=_WHOLE),
    _rule(ConfigurationError, "GW-0011", levels=_WHOLE),
    _rule(SignInError, "XMLGW_JPP0002 UJPP0002 REST-2102 invalidRequest"),
    _rule(SignInError, "XL03000006", levels=[ExchangeLevel.AUTHENTICATION]),
    _rule(ConfigurationError, "XL03000006", levels=[ExchangeLevel.CONTROL]),
    _rule(SignInError, words=["sign-in information is incorrect"]),
    _rule(SignInError, "GW-001* GW-002* GW-003* GW-004*", levels=_WHOLE),
    _rule(UnavailableError, "GW-000*", levels=_WHOLE),
    _rule(ConfigurationError, "PL04000055"),
    _rule(PermissionDeniedError, "PL04000005", levels=[ExchangeLevel.RESULT]),
    _rule(PermissionDeniedError, words=["do not have permission|object definition"], levels=[ExchangeLevel.RESULT]),
    _rule(ConfigurationError, "PL04000005"),
    _rule(ConfigurationError, words=["do not have permission|object definition"]),
    # Documents and records that exist already. The service does not rely on this refusal, and always looks up after it.
    _rule(DuplicateNumberError, "BL03002185 BL34000061 PL05000104 GL-0493"),
    _rule(
        DuplicateNumberError,
        words=["already exists|another record with the value|duplicate"],
        levels=[ExchangeLevel.RESULT],
    ),
    # Documents refused because of their content.
    _rule(PeriodClosedError, words=["period", "closed"]),
    # This is not a closed period: another date of the reversal solves it.
    _rule(ReversalDateError, words=[ITS_DATE, "later than|earlier than|after|before|prior to"], levels=_RESULT),
    _rule(PeriodClosedError, words=["date must be on or after"]),
    # These numbers mean that the document was refused, even if the correction text says to try again later.
    _rule(RefusedError, REFUSED, words=["please try again later"]),
    # Our own mistakes.
    _rule(RequestInvalidError, "XL03000006 XL03000010 BL03002129", levels=_RESULT),
    _rule(RequestInvalidError, words=["check that the fields exist|invalid fields list"], levels=_RESULT),
    _rule(UnavailableError, words=["please try again later"], levels=_WHOLE),
    _rule(UnknownOutcomeError, words=["please try again later"]),
    _rule(RequestInvalidError, "DL02000001"),
    # Errors about the document's content. They come after the retryable ones, because none of them may turn an unknown
    # outcome into a definite one.
    _rule(SmartRuleError, words=["smart rule"], levels=_RESULT),
    _rule(DimensionMissingError, words=["dimension", "requires|required|missing"], levels=_RESULT),
    # "The account number '4000' requires a Department."
    _rule(DimensionMissingError, words=["account number |gl account ", " requires a "], levels=_RESULT),
    # "Use of empty Location is invalid. A valid Multi-Entity Location must be specified."
    _rule(DimensionMissingError, words=["use of empty "], levels=_RESULT),
    _rule(VendorOnHoldError, words=["vendor", "on hold"], levels=_RESULT),
    _rule(PaymentsAppliedError, "BL03000130 XL03000027", levels=_RESULT),
    _rule(PaymentsAppliedError, words=["there is no due on the bill"], levels=_RESULT),
    _rule(PaymentsAppliedError, words=["is already paid|has already been paid"], levels=_RESULT),
    _rule(
        PartyInvalidError,
        words=["invalid vendor '|invalid customer '|activate the vendor|activate the customer"],
        levels=_RESULT,
    ),
    _rule(PartyInvalidError, words=["cannot find customer with key|cannot find vendor with key"], levels=_RESULT),
    _rule(PartyInvalidError, words=[A_PARTY, NOT_VALID], levels=_RESULT),
    # Before the rules for accounts: "Department '10' specified is not valid. Department is restricted by GL account."
    _rule(DimensionInvalidError, words=[NO_DIMENSION], levels=_RESULT),
    _rule(DimensionInvalidError, words=[A_DIMENSION, NOT_VALID], levels=_RESULT),
    _rule(DimensionInvalidError, words=["this value is auto-filled"], levels=_RESULT),
    _rule(AccountInvalidError, words=["gl account is restricted|invalid gl account"], levels=_RESULT),
    _rule(AccountInvalidError, words=["account ", NOT_VALID], levels=_RESULT),
    _rule(TermInvalidError, words=["invalid term '"], levels=_RESULT),
    _rule(TermInvalidError, words=[A_TERM, NOT_VALID], levels=_RESULT),
    # Last, because these words are our own guess, and other errors may mention a reversal too.
    _rule(
        ReversalDisabledError,
        words=[A_REVERSAL, "not enabled|is disabled|enable |not allowed for unpaid|turned off|not configured"],
        levels=_RESULT,
    ),
    _rule(
        ReversalElsewhereError,
        words=[
            A_REVERSAL,
            "not owned|do not own|does not own|another level|different level|restricted to locations",
        ],
        levels=_RESULT,
    ),
    _rule(RefusedError, REFUSED),
    # Wrappers: the errors next to them have the meaning.
    _rule(None, "XL03000009 GL-0504"),
    _rule(None, GENERIC, words=["could not create|currently, we can't create"]),
    _rule(RefusedError, GENERIC),
)


def rule_for(level: ExchangeLevel, error: GatewayError) -> ErrorRule | None:
    """Find the first rule that fits an error; None if the table does not know the error."""
    numbers = (error.errorno, error.errorid)
    text = plain(error)
    return next((rule for rule in RULES if rule.fits(level, numbers, text)), None)


_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "`": "'", '"': "'"})
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def plain(error: GatewayError) -> str:
    """Normalise all words of an error for comparison: one line, no markup, straight quotes, lower case."""
    said = f"{error.errorno} {error.errorid} {error.text} {error.correction} {error.category}"
    said = _TAG.sub(" ", html.unescape(said)).translate(_QUOTES)
    return " ".join(said.split()).casefold()


_NAMED = tuple(NAMED.split("|"))


def names_the_call(errors: Iterable[GatewayError], control_id: str) -> bool:
    """Whether a refusal mentions the control id of the call. In a resend, it is then about the earlier send."""
    return any(control_id.casefold() in text or any(phrase in text for phrase in _NAMED) for text in map(plain, errors))


def session_is_over(errors: Iterable[GatewayError]) -> bool:
    """Whether Sage says that the session ended, on any level."""
    return any(phrase in text for text in map(plain, errors) for phrase in OVER_OR_UNKNOWN.split("|"))
