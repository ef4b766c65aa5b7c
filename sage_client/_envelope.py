"""The request around the functions.

Sage developer documentation, web-services/requests; element order of v3.0/api.xsd.
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
    """The Web Services sender: who we are to Sage, whichever company we speak for."""

    sender_id: str
    password: SecretStr


@dataclass(frozen=True, slots=True)
class Authentication:
    """The `authentication` element: a login on the gateway address, or a session anywhere. Hidden from every repr."""

    xml: str = field(repr=False)

    @classmethod
    def by_login(cls, login: Login) -> "Authentication":
        """Company, user, password and, for an entity, its id."""
        location = f"<locationid>{escape(login.entity_id)}</locationid>" if login.entity_id else ""
        return cls(
            f"<login><userid>{escape(login.user_id)}</userid><companyid>{escape(login.company_id)}</companyid>"
            f"<password>{escape(login.password.get_secret_value())}</password>{location}</login>"
        )

    @classmethod
    def by_session(cls, session_id: SecretStr) -> "Authentication":
        """A session id."""
        return cls(f"<sessionid>{escape(session_id.get_secret_value())}</sessionid>")


def unique_id() -> str:
    """A control id that was never used before: of a request, or of a function that only reads.

    Functions that write have deterministic ones (`domain.identity`): by them Sage knows a call that it has executed.
    """
    return secrets.token_hex(16)


def function(control_id: str, xml: str) -> str:
    """One function under its control id, the one that Sage checks where `unique` is set."""
    return f'<function controlid="{escape(control_id).replace(chr(34), "&quot;")}">{xml}</function>'


def get_api_session(entity_id: str | None) -> str:
    """`getAPISession`; without a location it opens the top level (company-console/api-sessions)."""
    if not entity_id:
        return "<getAPISession/>"
    return f"<getAPISession><locationid>{escape(entity_id)}</locationid></getAPISession>"


def request(sender: Sender, request_id: str, who: Authentication, functions: Iterable[str], *, unique: bool) -> bytes:
    """A whole request.

    Args:
        sender: Our Web Services sender.
        request_id: The control id element: matches the answer to the request, and is not checked for uniqueness.
        who: The login or session.
        functions: What `function` gave.
        unique: True for writes: Sage then refuses a function whose control id it has executed and completed.
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
