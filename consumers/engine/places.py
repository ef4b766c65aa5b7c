"""Where a request goes: one session with Sage serves one place."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.documents import Connection, SageObject
from sage_client import Login, SageClient

Place = tuple[str, str | None, str]
"""What one session with Sage is for: company, entity, credentials. A request serves one place."""


def place_of(connection: Connection) -> Place:
    """The place a connection's requests go to."""
    return connection.company_id, connection.entity_id, connection.credentials


def blocker_of(connection: Connection) -> str:
    """The name that documents wait for while their company takes nothing."""
    return f"sage/{connection.company_id}/{connection.credentials}"


def kind_blocker_of(connection: Connection, kind: SageObject) -> str:
    """The name that documents wait for while their company takes all but this kind of them."""
    return f"{blocker_of(connection)}/{kind}"


def later_blocker_of(connection: Connection) -> str:
    """The name that documents wait for which their company did not take while it took others."""
    return f"{blocker_of(connection)}/later"


def correction_blocker_of(connection: Connection) -> str:
    """The name that a document waits for between the reversal of what stood and its new posting.

    Nothing ever arrives under it: whoever reversed goes on, and if that worker is gone, its next owner does at once.
    """
    return f"{blocker_of(connection)}/correction"


class CredentialsMissingError(Exception):
    """The connection names credentials that the service was not given."""


@dataclass(frozen=True, slots=True)
class Sage:
    """The way to Sage: the client, and whose name it signs in with."""

    client: SageClient
    login: Callable[[Connection], Login]
    """The user that a connection names; raises CredentialsMissingError."""
