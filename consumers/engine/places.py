"""Where a request goes: one session with Sage serves one place."""

from domain.documents import Connection

Place = tuple[str, str | None, str]
"""What one session with Sage is for: company, entity, credentials. A request serves one place."""


def place_of(connection: Connection) -> Place:
    """The place a connection's requests go to."""
    return connection.company_id, connection.entity_id, connection.credentials


def blocker_of(connection: Connection) -> str:
    """The name that documents wait for while their company takes nothing."""
    return f"sage/{connection.company_id}/{connection.credentials}"


class CredentialsMissingError(Exception):
    """The connection names credentials that the service was not given."""
