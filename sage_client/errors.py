"""Everything that can go wrong between us and Sage Intacct, as one tree.

::

    SageError
    ├── NotDoneError                  proven: this call booked nothing
    │   ├── UnavailableError            RETRY          Sage is off-line or could not be reached
    │   │   ├── NotConnectedError       RETRY          no connection was made, so no byte left
    │   │   └── TooLateError            RETRY          the time within which it might begin had passed
    │   ├── ThrottledError              THROTTLED      too many requests; `retry_after` says how long to wait
    │   ├── SignInError                 AUTH           company, user, password or entity refused
    │   ├── ConfigurationError          CONFIGURATION  sender or set-up of the tenant refused
    │   │   ├── EndpointRefusedError      CONFIGURATION  the gateway names an endpoint outside its domain
    │   │   ├── GatewayRedirectsError     CONFIGURATION  the gateway's address redirects, so nothing can be read there
    │   │   └── PermissionDeniedError     CONFIGURATION  the user may not do this with this kind of object
    │   │       ├── FieldMissingError       CONFIGURATION  a field that cannot be done without is not shown
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
    │   │   ├── ReversalOffError        DATA           the company does not let unpaid documents be reversed
    │   │   ├── ReversalElsewhereError  DATA           it can only be reversed where it was made, or by another user
    │   │   ├── ReversalDateError       DATA           the date of the reversal is too early
    │   │   ├── DuplicateNumberError    DATA           the number exists: look up whose it is
    │   │   └── DimensionMissingError   DATA           a dimension that Sage requires is missing
    │   └── RequestInvalidError         BUG            Sage could not read our request, or we could not write it
    └── UnknownOutcomeError           not proven either way: look the document up before anything else
        ├── ConnectionLostError         bytes may have left, no whole answer came back
        ├── UnreadableAnswerError       an answer came that proves nothing: HTML, truncated, empty, somebody else's
        │   └── RedirectedError           a redirect, which is not followed
        ├── MissingResultError          the answer holds no usable result for this call
        └── DuplicateCallError          Sage has executed this control id before; the record number needs a look-up

"Done" is never an error. Whether money may have moved is `certainty`; what to do about a proven failure is `kind`;
the stable code a result carries is `code`.
"""

from typing import ClassVar, Self

from domain.codes import Code
from domain.dimensions import UNREADABLE
from sage_client._kinds import Certainty, Kind, Level
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
    "FieldMissingError",
    "GatewayError",
    "GatewayRedirectsError",
    "Kind",
    "Level",
    "MissingResultError",
    "NotConnectedError",
    "NotDoneError",
    "PartyInvalidError",
    "PaymentsAppliedError",
    "PeriodClosedError",
    "PermissionDeniedError",
    "RedirectedError",
    "RefusedError",
    "RequestInvalidError",
    "ReversalDateError",
    "ReversalElsewhereError",
    "ReversalOffError",
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
    """The root: what happened, where, and Sage's own words for it. Never holds a secret or a request.

    Args:
        message: One sentence for a person.
        level: Where in the exchange it was decided.
        http_status: The status line's number, if an answer came at all.
        errors: Sage's errors, in the order Sage gave them.
        retry_after: Seconds that Sage asked us to wait, if it did.
    """

    certainty: ClassVar[Certainty]
    kind: ClassVar[Kind | None] = None
    code: ClassVar[Code]
    needs_look_up: ClassVar[bool] = False
    """True where only a look-up in Sage tells what the call's document is by now."""

    def __init__(
        self,
        message: str,
        *,
        level: Level | None = None,
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
        """What Sage's support asks for, one per error that has one."""
        return tuple(support_id for error in self.errors for support_id in error.support_ids)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors travel between processes and into copies whole."""
        return type(self), (self.message,), self.__dict__


class NotDoneError(SageError):
    """It is proven that this call booked nothing."""

    certainty = Certainty.NOT_DONE


class UnavailableError(NotDoneError):
    """Sage did not take the request; the same request may be sent again later."""

    kind = Kind.RETRY
    code = Code.SAGE_UNAVAILABLE


class NotConnectedError(UnavailableError):
    """No connection was made: name not found, refused, TLS failed, or no connection of the pool was free in time."""


class TooLateError(UnavailableError):
    """It was not sent: the time within which the caller let it begin had passed. Says nothing about Sage."""


class ThrottledError(NotDoneError):
    """HTTP 429, GW-0010 or "API rate limit exceeded"; `retry_after` is None where Sage named no delay."""

    kind = Kind.THROTTLED
    code = Code.SAGE_UNAVAILABLE


class SignInError(NotDoneError):
    """Sage refused the company, user, password, entity or session."""

    kind = Kind.AUTH
    code = Code.SAGE_SIGN_IN


class ConfigurationError(NotDoneError):
    """Sage refuses the sender or the tenant's set-up; a person has to change it there."""

    kind = Kind.CONFIGURATION
    code = Code.SAGE_CONFIGURATION


class EndpointRefusedError(ConfigurationError):
    """The gateway's answer names an endpoint that our sender's password must not go to."""

    code = Code.SAGE_ENDPOINT_REFUSED


class GatewayRedirectsError(ConfigurationError):
    """The address that we were given redirects requests, and redirects are not followed."""

    code = Code.SAGE_REDIRECTS


class PermissionDeniedError(ConfigurationError):
    """The user may not do this with this object, or Sage does not show it the object; others it may well."""


class FieldMissingError(PermissionDeniedError):
    """A field that cannot be done without is not shown: the company lacks a subscription, or the user may not."""

    code = Code.SAGE_FIELD_MISSING


class DimensionUnreadableError(PermissionDeniedError):
    """The values of a user-defined dimension cannot be read: it belongs to Platform Apps (requirements 46 and 47)."""

    @classmethod
    def of(cls, dimension: str, denied: PermissionDeniedError) -> Self:
        """The error for a dimension. Its message is the product's own, word for word; Sage's words stand beside it."""
        error = cls(UNREADABLE, level=denied.level, http_status=denied.http_status, errors=denied.errors)
        error.dimension = dimension
        return error

    dimension: str = ""
    """Its object in Sage."""


class RefusedError(NotDoneError):
    """Sage refused this document; sending it again unchanged meets the same answer."""

    kind = Kind.DATA
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
    """A dimension's value does not exist, is inactive, or is not allowed beside the account."""

    code = Code.SAGE_DIMENSION_INVALID


class TermInvalidError(RefusedError):
    """The payment term does not exist, or is inactive."""

    code = Code.SAGE_TERM_INVALID


class SmartRuleError(RefusedError):
    """A Smart Rule of the company refuses the document; what it asks for stands in its own words."""

    code = Code.SAGE_SMART_RULE


class PaymentsAppliedError(RefusedError):
    """Payments are applied to the document, which forbids a change."""

    code = Code.SAGE_PAYMENTS_APPLIED


class ReversalOffError(RefusedError):
    """Reversing unpaid invoices, or bills, is not enabled in the company. Sage's own words for it are not published."""

    code = Code.REVERSAL_OFF


class ReversalElsewhereError(RefusedError):
    """The record is not owned where the session is, or the user is restricted. Its words are not published either."""

    code = Code.REVERSAL_ELSEWHERE


class ReversalDateError(RefusedError):
    """The date of the reversal is not later than the document's posting date. No closed period."""

    code = Code.REVERSAL_DATE


class DuplicateNumberError(RefusedError):
    """A record with that number is in Sage already: this call booked nothing, an earlier one of ours may have."""

    code = Code.SAGE_DUPLICATE_NUMBER
    needs_look_up = True


class DimensionMissingError(RefusedError):
    """A dimension that Sage requires is not on the document; Spend Management may require it (requirement 48)."""

    code = Code.SAGE_DIMENSION_MISSING


class RequestInvalidError(NotDoneError):
    """A defect on our side: Sage could not read the request, or a document could not be rendered."""

    kind = Kind.BUG
    code = Code.SAGE_REQUEST_INVALID


class UnknownOutcomeError(SageError):
    """Whether Sage booked the document is not proven; it is looked up before anything is sent again."""

    certainty = Certainty.UNKNOWN
    code = Code.OUTCOME_UNKNOWN
    needs_look_up = True


class ConnectionLostError(UnknownOutcomeError):
    """The connection or our patience ended after bytes may have left and before a whole answer was read."""


class UnreadableAnswerError(UnknownOutcomeError):
    """An answer came, and it proves nothing."""


class RedirectedError(UnreadableAnswerError):
    """A redirect came instead of an answer; for a request that changes nothing it is a `GatewayRedirectsError`."""


class MissingResultError(UnknownOutcomeError):
    """The answer is Sage's own, but says nothing usable about this call."""


class DuplicateCallError(UnknownOutcomeError):
    """Sage refused the control id as executed before: an earlier send of ours most likely booked the document."""
