"""Categories of errors: what an error proves, what to do about it, and on which level it was decided."""

from enum import StrEnum


class Certainty(StrEnum):
    """Whether the call may have booked something."""

    NOT_DONE = "not done"
    UNKNOWN = "unknown"


class ErrorCategory(StrEnum):
    """The category of a failure that is proven not done; it says what to do."""

    RETRY = "retry"
    """Temporary trouble at Sage or in the network; send again later."""
    THROTTLED = "throttled"
    """Too many requests; send again after the delay that Sage names."""
    DATA = "data"
    """Sage refuses the document; a person has to correct it."""
    AUTH = "auth"
    """Sage refuses the credentials; every document of the company waits."""
    CONFIGURATION = "configuration"
    """Sage refuses the sender, a permission or the set-up of the company; every document of the company waits."""
    BUG = "bug"
    """Our request has a defect."""


class ExchangeLevel(StrEnum):
    """The level on which a failure was decided.

    Sage reports failures on three levels, all under HTTP 200 (web-services/error-handling).
    """

    LOCAL = "local"
    """In this client, before anything was sent."""
    TRANSPORT = "transport"
    """In the connection; there was no HTTP answer."""
    HTTP = "http"
    """An HTTP answer that is not the gateway's XML."""
    CONTROL = "control"
    """`control/status`: the gateway refused the whole request; no operation ran."""
    AUTHENTICATION = "authentication"
    """`authentication/status`: signing in failed; no function ran."""
    OPERATION = "operation"
    """Errors in place of results, after a successful sign-in; nothing says how far the operation ran."""
    RESULT = "result"
    """`result/status`: one function failed."""
