"""What it means that Sage does not let us in, as far as its answers tell it apart (web-services/error-handling).

Told apart: not reached; the sender itself; the sender in this company (or Web Services switched off there: Sage
documents no answer of its own for that); company, user or password (one answer for all three); the entity, because the
top level then still lets us in.
"""

from app.connections.findings import Finding, Problem, finding
from sage_client import SageError
from sage_client._kinds import Kind, Level
from sage_client.errors import ConfigurationError, EndpointRefusedError, GatewayRedirectsError, SignInError

NOT_AUTHORISED = ("web services authorization", "sender id", "senderid")
DEMO_EXPIRED = "PL04000055"


def diagnosed(error: SageError, sender_id: str, company_id: str, user_id: str) -> Finding:
    """What a refused or failed sign-in says, for the top level."""
    said = f"Sage says: {error}"
    words = str(error).casefold()
    if isinstance(error, ConfigurationError) and any(phrase in words for phrase in NOT_AUTHORISED):
        return finding(
            Problem.SENDER_NOT_AUTHORISED,
            f"company {company_id} does not let the sender {sender_id} in: it is not authorised there, or Web Services "
            f"are off. {said}",
        )
    if isinstance(error, SignInError) and error.level is Level.CONTROL:
        return finding(Problem.SENDER_REFUSED, f"Sage does not know the sender {sender_id} with this password. {said}")
    if isinstance(error, SignInError):
        return finding(
            Problem.USER_REFUSED,
            f"company {company_id}, user {user_id} or the password is wrong, or the user is not active; Sage does not "
            f"say which. {said}",
        )
    if isinstance(error, ConfigurationError) and error.level in (Level.CONTROL, Level.AUTHENTICATION):
        return finding(
            Problem.COMPANY_REFUSED,
            f"company {company_id} is not known or not active, or the sender {sender_id} is not active. {said}",
        )
    if error.kind is Kind.CONFIGURATION and not isinstance(error, EndpointRefusedError | GatewayRedirectsError):
        return finding(Problem.COMPANY_REFUSED, f"company {company_id} does not take calls. {said}")
    return finding(Problem.SAGE_NOT_REACHED, f"Sage Intacct gave no usable answer: {error}")
