"""Diagnosis of a failed sign-in, as far as Sage's answers allow one (Sage's page web-services/error-handling).

Five causes can be distinguished: Sage was not reached; the sender itself is refused; the sender is not authorised in
this company (or Web Services are off there, for which Sage documents no separate answer); company, user or password is
wrong (one answer for all three); the entity is refused, because a sign-in at the top level still succeeds.
"""

from app.connections.findings import Finding, SetupProblem, finding
from sage_client import SageError
from sage_client._error_categories import ErrorCategory, ExchangeLevel
from sage_client.errors import ConfigurationError, EndpointRefusedError, GatewayRedirectsError, SignInError

NOT_AUTHORISED = ("web services authorization", "sender id", "senderid")
DEMO_EXPIRED = "PL04000055"


def diagnose(error: SageError, sender_id: str, company_id: str, user_id: str) -> Finding:
    """Explain a refused or failed sign-in at the top level.

    Args:
        error: The error of the sign-in.
        sender_id: The sender, for the text.
        company_id: The company, for the text.
        user_id: The user, for the text.
    """
    said = f"Sage says: {error}"
    words = str(error).casefold()
    if isinstance(error, ConfigurationError) and any(phrase in words for phrase in NOT_AUTHORISED):
        return finding(
            SetupProblem.SENDER_NOT_AUTHORISED,
            f"company {company_id} does not let the sender {sender_id} in: it is not authorised there, or Web Services "
            f"are off. {said}",
        )
    if isinstance(error, SignInError) and error.level is ExchangeLevel.CONTROL:
        return finding(
            SetupProblem.SENDER_REFUSED, f"Sage does not know the sender {sender_id} with this password. {said}"
        )
    if isinstance(error, SignInError):
        return finding(
            SetupProblem.USER_REFUSED,
            f"company {company_id}, user {user_id} or the password is wrong, or the user is not active; Sage does not "
            f"say which. {said}",
        )
    if isinstance(error, ConfigurationError) and error.level in (ExchangeLevel.CONTROL, ExchangeLevel.AUTHENTICATION):
        return finding(
            SetupProblem.COMPANY_REFUSED,
            f"company {company_id} is not known or not active, or the sender {sender_id} is not active. {said}",
        )
    if error.kind is ErrorCategory.CONFIGURATION and not isinstance(
        error, EndpointRefusedError | GatewayRedirectsError
    ):
        return finding(SetupProblem.COMPANY_REFUSED, f"company {company_id} does not take calls. {said}")
    return finding(SetupProblem.SAGE_NOT_REACHED, f"Sage Intacct gave no usable answer: {error}")
