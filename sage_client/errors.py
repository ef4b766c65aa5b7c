"""All errors of the exchange with Sage Intacct, as one tree.

::

    SageError
    ├── NotDoneError                  proven: this call booked nothing
    │   ├── UnavailableError            RETRY          Sage is off-line or could not be reached
    │   │   ├── NotConnectedError       RETRY          no connection was made, so no byte left
    │   │   ├── NotShownError           RETRY          a record posted a moment ago is not shown yet
    │   │   └── TooLateError            RETRY          the caller no longer allowed the request to begin
    │   ├── ThrottledError              THROTTLED      too many requests; `retry_after` says how long to wait
    │   ├── SignInError                 AUTH           company, user, password or entity refused
    │   ├── ConfigurationError          CONFIGURATION  sender or set-up of the company refused
    │   │   ├── EndpointRefusedError      CONFIGURATION  the gateway names an endpoint outside its domain
    │   │   ├── GatewayRedirectsError     CONFIGURATION  the gateway's address redirects, so nothing can be read there
    │   │   └── PermissionDeniedError     CONFIGURATION  the user may not do this with this kind of object
    │   │       ├── FieldMissingError       CONFIGURATION  an indispensable field is not available
    │   │       └── DimensionUnreadableError  CONFIGURATION  a dimension of Platform Apps, whose values cannot be read
    │   ├── RefusedError                DATA           Sage refused the document itself
    │   │   ├── PeriodClosedError       DATA           its date is in a closed period
    │   │   ├── PartyInvalidError       DATA           its customer or vendor is missing or inactive
    │   │   ├── VendorOnHoldError       DATA           its vendor is on hold
    │   │   ├── AccountInvalidError     DATA           a GL account is missing, inactive or restricted
    │   │   ├── DimensionInvalidError   DATA           a dimension's value is missing, inactive or not allowed
    │   │   ├── TermInvalidError        DATA           its payment term is missing or inactive
    │   │   ├── SmartRuleError          DATA           a Smart Rule of the company refuses it
    │   │   ├── PaymentsAppliedError    DATA           payments are applied to it
    │   │   ├── ReversalDisabledError        DATA           the company does not let unpaid documents be reversed
    │   │   ├── ReversalElsewhereError  DATA           it can only be reversed where it was made, or by another user
    │   │   ├── ReversalDateError       DATA           the date of the reversal is too early
    │   │   ├── DuplicateNumberError    DATA           the number exists: look up whose document has it
    │   │   └── DimensionMissingError   DATA           a dimension that Sage requires is missing
    │   └── RequestInvalidError         BUG            Sage could not read our request, or we could not render it
    └── UnknownOutcomeError           not proven either way: look the document up before anything else
        ├── ConnectionLostError         bytes may have been sent, no complete answer came back
        ├── UnreadableAnswerError       an answer that proves nothing: HTML, truncated, empty, to another request
        │   └── RedirectedError           a redirect, which is not followed
        ├── MissingResultError          the answer holds no usable result for this call
        └── DuplicateCallError          Sage has executed this control id before; the record number needs a look-up

"Done" is never an error. `certainty` says whether Sage may have booked something, `kind` says what to do about a proven
failure, and `code` is the stable code for the result.
"""

from typing import ClassVar, Self

from domain.codes import Code
from domain.settings.dimensions import UNREADABLE
from sage_client._error_categories import Certainty, ErrorCategory, ExchangeLevel
from sage_client.gateway_error import GatewayError

__all__ = [
    "AccountInvalidError",
    "Certainty",
    "ConfigurationError",
    "ConnectionLostError",
    "DimensionInvalidError",
    "DimensionMissingError",
    "DimensionUnreadableError",
    "DuplicateCallError",
    "DuplicateNumberError",
    "EndpointRefusedError",
    "ErrorCategory",
    "ExchangeLevel",
    "FieldMissingError",
    "GatewayError",
    "GatewayRedirectsError",
    "MissingResultError",
    "NotConnectedError",
    "NotDoneError",
    "NotShownError",
    "PartyInvalidError",
    "PaymentsAppliedError",
    "PeriodClosedError",
    "PermissionDeniedError",
    "RedirectedError",
    "RefusedError",
    "RequestInvalidError",
    "ReversalDateError",
    "ReversalDisabledError",
    "ReversalElsewhereError",
    "SageError",
    "SignInError",
    "SmartRuleError",
    "TermInvalidError",
    "ThrottledError",
    "TooLateError",
    "UnavailableError",
    "UnknownOutcomeError",
    "UnreadableAnswerError",
    "VendorOnHoldError",
]


class SageError(Exception):
    """The root of all errors. It never contains a secret or a request.

    Args:
        message: One sentence for a person.
        level: The level of the exchange on which the failure was decided; None if there was no exchange.
        http_status: The HTTP status; None if there was no answer.
        errors: Sage's errors, in Sage's order.
        retry_after: Seconds that Sage asked to wait; None if it did not ask.
    """

    certainty: ClassVar[Certainty]
    kind: ClassVar[ErrorCategory | None] = None
    code: ClassVar[Code]
    needs_look_up: ClassVar[bool] = False
    """True if only a look-up in Sage can tell whether the document exists there."""

    def __init__(
        self,
        message: str,
        *,
        level: ExchangeLevel | None = None,
        http_status: int | None = None,
        errors: tuple[GatewayError, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.level = level
        self.http_status = http_status
        self.errors = errors
        self.retry_after = retry_after

    @property
    def support_ids(self) -> tuple[str, ...]:
        """The ids that Sage's support asks for, from all errors that have one."""
        return tuple(support_id for error in self.errors for support_id in error.support_ids)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy the error completely, so that it can pass between processes."""
        return type(self), (self.message,), self.__dict__


class NotDoneError(SageError):
    """Base of the errors which prove that this call booked nothing."""

    certainty = Certainty.NOT_DONE


class UnavailableError(NotDoneError):
    """Sage did not take the request; the same request may be sent again later."""

    kind = ErrorCategory.RETRY
    code = Code.SAGE_UNAVAILABLE


class NotConnectedError(UnavailableError):
    """No connection was made: name not found, refused or TLS failed."""


class TooLateError(UnavailableError):
    """The request was not sent, because it was too late, or because the caller no longer wanted it.

    This says nothing about Sage.
    """


class NotShownError(UnavailableError):
    """Sage does not show a record that was posted a moment ago: its reads may lag."""

    code = Code.POSTED_DOCUMENT_NOT_SHOWN


class ThrottledError(NotDoneError):
    """Sage received too many requests: HTTP 429, GW-0010 or "API rate limit exceeded".

    `retry_after` is None if Sage named no delay.
    """

    kind = ErrorCategory.THROTTLED
    code = Code.SAGE_UNAVAILABLE


class SignInError(NotDoneError):
    """Sage refused the company, user, password, entity or session."""

    kind = ErrorCategory.AUTH
    code = Code.SAGE_SIGN_IN


class ConfigurationError(NotDoneError):
    """Sage refuses the sender or the set-up of the company; a person has to change it in Sage."""

    kind = ErrorCategory.CONFIGURATION
    code = Code.SAGE_CONFIGURATION


class EndpointRefusedError(ConfigurationError):
    """The gateway's answer names an endpoint to which our sender's password must not be sent."""

    code = Code.SAGE_ENDPOINT_REFUSED


class GatewayRedirectsError(ConfigurationError):
    """The configured gateway address redirects requests, and redirects are not followed."""

    code = Code.SAGE_REDIRECTS


class PermissionDeniedError(ConfigurationError):
    """The user may not do this with this object, or may not see it. Other objects may still work."""


class FieldMissingError(PermissionDeniedError):
    """A field that a query cannot do without is not available.

    The company lacks a subscription, or the user may not read the field.
    """

    code = Code.SAGE_FIELD_MISSING


class DimensionUnreadableError(PermissionDeniedError):
    """The values of a user-defined dimension cannot be read: it belongs to Platform Apps (requirements 46 and 47)."""

    @classmethod
    def of(cls, dimension: str, denied: PermissionDeniedError) -> Self:
        """Build the error for a dimension.

        Its message is the one that Alvys shows, word for word (requirement 47); `errors` holds Sage's own words.
        """
        error = cls(UNREADABLE, level=denied.level, http_status=denied.http_status, errors=denied.errors)
        error.dimension = dimension
        return error

    dimension: str = ""
    """The Sage object of the dimension."""


class RefusedError(NotDoneError):
    """Sage refused this document. Sending it again unchanged would get the same answer."""

    kind = ErrorCategory.DATA
    code = Code.SAGE_REFUSED


class PeriodClosedError(RefusedError):
    """The document's date lies in a closed period."""

    code = Code.SAGE_PERIOD_CLOSED


class PartyInvalidError(RefusedError):
    """The customer or vendor does not exist in Sage, or is inactive."""

    code = Code.SAGE_PARTY_INVALID


class VendorOnHoldError(RefusedError):
    """The vendor is on hold."""

    code = Code.SAGE_VENDOR_ON_HOLD


class AccountInvalidError(RefusedError):
    """A GL account does not exist, is inactive, or is restricted."""

    code = Code.SAGE_ACCOUNT_INVALID


class DimensionInvalidError(RefusedError):
    """The value of a dimension does not exist, is inactive, or is not allowed with the account."""

    code = Code.SAGE_DIMENSION_INVALID


class TermInvalidError(RefusedError):
    """The payment term does not exist, or is inactive."""

    code = Code.SAGE_TERM_INVALID


class SmartRuleError(RefusedError):
    """A Smart Rule of the company refuses the document. The text of the rule says what it requires."""

    code = Code.SAGE_SMART_RULE


class PaymentsAppliedError(RefusedError):
    """Payments are applied to the document, so it cannot be changed."""

    code = Code.SAGE_PAYMENTS_APPLIED


class ReversalDisabledError(RefusedError):
    """The company has not enabled the reversal of unpaid invoices or bills. Sage's wording is not published."""

    code = Code.REVERSAL_DISABLED


class ReversalElsewhereError(RefusedError):
    """The record belongs to another level (top level or entity) than the session, or the user is restricted.

    Sage's wording is not published.
    """

    code = Code.REVERSAL_ELSEWHERE


class ReversalDateError(RefusedError):
    """The date of the reversal is not later than the document's posting date. This is not a closed period."""

    code = Code.REVERSAL_DATE


class DuplicateNumberError(RefusedError):
    """A record with this number exists in Sage. This call booked nothing, but an earlier call of ours may have."""

    code = Code.SAGE_DUPLICATE_NUMBER
    needs_look_up = True


class DimensionMissingError(RefusedError):
    """The document lacks a dimension that Sage requires, perhaps for Spend Management (requirement 48)."""

    code = Code.SAGE_DIMENSION_MISSING


class RequestInvalidError(NotDoneError):
    """A defect on our side: Sage could not read the request, or a document could not be rendered."""

    kind = ErrorCategory.BUG
    code = Code.SAGE_REQUEST_INVALID


class UnknownOutcomeError(SageError):
    """It is not proven whether Sage booked the document. It is looked up before anything is sent again."""

    certainty = Certainty.UNKNOWN
    code = Code.OUTCOME_UNKNOWN
    needs_look_up = True


class ConnectionLostError(UnknownOutcomeError):
    """The connection broke or a time-out ended it, after bytes may have been sent and before a complete answer came."""


class UnreadableAnswerError(UnknownOutcomeError):
    """An answer came, but it proves nothing."""


class RedirectedError(UnreadableAnswerError):
    """A redirect came instead of an answer. For a request that only reads, it becomes a `GatewayRedirectsError`."""


class MissingResultError(UnknownOutcomeError):
    """The answer comes from Sage, but contains no usable result for this call."""


class DuplicateCallError(UnknownOutcomeError):
    """Sage refused the control id as already executed. An earlier send of ours most likely booked the document."""
