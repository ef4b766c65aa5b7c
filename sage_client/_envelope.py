"""The XML request that contains the functions.

Sources: Sage developer documentation, web-services/requests; v3.0/api.xsd for the order of the elements.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import SecretStr

from sage_client._text import escape
from sage_client.login import Login

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class Sender:
    """The Web Services sender: our identity towards Sage, the same for every company."""

    sender_id: str
    password: SecretStr


@dataclass(frozen=True, slots=True)
class Authentication:
    """The `authentication` element, with a login (for the gateway address only) or a session. It is not in the repr."""

    xml: str = field(repr=False)

    @classmethod
    def by_login(cls, login: Login) -> "Authentication":
        """Authenticate by company, user, password and, for an entity, its id."""
        location = f"<locationid>{escape(login.entity_id)}</locationid>" if login.entity_id else ""
        return cls(
            f"<login><userid>{escape(login.user_id)}</userid><companyid>{escape(login.company_id)}</companyid>"
            f"<password>{escape(login.password.get_secret_value())}</password>{location}</login>"
        )

    @classmethod
    def by_session(cls, session_id: SecretStr) -> "Authentication":
        """Authenticate by session id."""
        return cls(f"<sessionid>{escape(session_id.get_secret_value())}</sessionid>")


def unique_id() -> str:
    """Generate a new control id, for a request or for a function that only reads.

    Functions that write have deterministic control ids (`domain.idempotency`), so that Sage recognises a call that it
    already executed.
    """
    return secrets.token_hex(16)


def function(control_id: str, xml: str) -> str:
    """Render a function with its control id. Sage checks this id if the request has `unique` set."""
    return f'<function controlid="{escape(control_id).replace(chr(34), "&quot;")}">{xml}</function>'


def get_api_session(entity_id: str | None) -> str:
    """Render `getAPISession`. Without an entity it opens the top level (company-console/api-sessions)."""
    if not entity_id:
        return "<getAPISession/>"
    return f"<getAPISession><locationid>{escape(entity_id)}</locationid></getAPISession>"


def request(sender: Sender, request_id: str, who: Authentication, functions: Iterable[str], *, unique: bool) -> bytes:
    """Render a complete request, in UTF-8.

    Args:
        sender: Our Web Services sender.
        request_id: The control id of the request. It matches the answer to the request; Sage does not check that it is
            unique.
        who: The login or session.
        functions: Functions rendered by `function`.
        unique: True for writes: Sage then refuses a function whose control id it already executed and completed.
    """
    return "".join(
        (
            _DECLARATION,
            f"<request><control><senderid>{escape(sender.sender_id)}</senderid>",
            f"<password>{escape(sender.password.get_secret_value())}</password>",
            f"<controlid>{escape(request_id)}</controlid><uniqueid>{'true' if unique else 'false'}</uniqueid>",
            "<dtdversion>3.0</dtdversion><includewhitespace>false</includewhitespace></control>",
            f'<operation transaction="false"><authentication>{who.xml}</authentication><content>',
            *functions,
            "</content></operation></request>",
        )
    ).encode()
