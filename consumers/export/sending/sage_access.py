"""Where requests go (company, entity, credentials), and the names of the blockers that parked documents wait for."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.documents import Connection, SageObject
from sage_client import Login, SageClient

SageEndpoint = tuple[str, str | None, str]
"""Company, entity and credentials. A session with Sage, and so a request, is for exactly one place."""


SAGE = "sage/"
"""Prefix of blockers that are not mapping-state keys. A lane releases them; a new owner retries them at once."""
BACKLOG = "backlog/"
"""Prefix of the blockers of documents that wait for their turn (`sending.backlog`). A lane releases them, too."""


def endpoint_of(connection: Connection) -> SageEndpoint:
    """The place that a connection's requests go to."""
    return connection.company_id, connection.entity_id, connection.credentials


def blocker_of(connection: Connection) -> str:
    """Blocker of documents whose connection takes nothing."""
    return f"{SAGE}{connection.company_id}/{connection.credentials}"


def kind_blocker_of(connection: Connection, kind: SageObject) -> str:
    """Blocker of documents whose connection takes other kinds of documents, but not theirs."""
    return f"{blocker_of(connection)}/{kind}"


def later_blocker_of(connection: Connection) -> str:
    """Blocker of documents that Sage did not take while it took others of their company."""
    return f"{blocker_of(connection)}/later"


def correction_blocker_of(connection: Connection) -> str:
    """Blocker of a document between the reversal of its existing record and its new posting.

    No setting ever releases this key. The worker that did the reversal continues; after a restart the next owner
    continues at once.
    """
    return f"{blocker_of(connection)}/correction"


def backlog_blocker_of(company_id: str, credentials: str) -> str:
    """Blocker of documents that wait for their turn, because their company has more than it takes at once."""
    return f"{BACKLOG}{company_id}/{credentials}"


def company_of_backlog(blocker: str) -> str:
    """The Sage company of a backlog's blocker. No name of credentials has a slash."""
    return blocker.removeprefix(BACKLOG).rpartition("/")[0]


def connection_of_backlog(blocker: str) -> str:
    """The blocker of the same connection's circuit (`blocker_of`)."""
    return f"{SAGE}{blocker.removeprefix(BACKLOG)}"


class CredentialsMissingError(Exception):
    """The connection names credentials that the service was not given."""


@dataclass(frozen=True, slots=True)
class SageAccess:
    """Access to Sage: the client, and the credentials of each connection."""

    client: SageClient
    login: Callable[[Connection], Login]
    """Returns the user that a connection names. Raises CredentialsMissingError."""
