"""The words an error is described with: is it proven, what to do about it, where was it decided."""

from enum import StrEnum


class Certainty(StrEnum):
    """Whether the call may have booked something."""

    NOT_DONE = "not done"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What to do about a call that is proven not done."""

    RETRY = "retry"
    """Passing trouble at Sage or on the way; send again later."""
    THROTTLED = "throttled"
    """Too many requests; send again after the delay Sage names."""
    DATA = "data"
    """The document is refused; a person corrects it."""
    AUTH = "auth"
    """The credentials are refused; every document of the company waits."""
    CONFIGURATION = "configuration"
    """The sender, a permission or the tenant's set-up is refused; every document of the company waits."""
    BUG = "bug"
    """Our request is at fault."""


class Level(StrEnum):
    """Where it was decided; Sage answers failures on three levels under one HTTP 200 (web-services/error-handling)."""

    LOCAL = "local"
    """Here, before anything was sent."""
    TRANSPORT = "transport"
    """The connection; no HTTP answer."""
    HTTP = "http"
    """An HTTP answer that is not the gateway's XML."""
    CONTROL = "control"
    """`control/status`: the gateway refused the request whole; no operation ran."""
    AUTHENTICATION = "authentication"
    """`authentication/status`: signing in failed; no function ran."""
    OPERATION = "operation"
    """Errors in place of results, after signing in succeeded: how far it ran is not said."""
    RESULT = "result"
    """`result/status`: one function."""
