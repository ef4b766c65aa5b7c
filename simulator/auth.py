"""Authentication: first the sender at the gateway, then a user or a session in a company.

Source: Sage developer documentation, web-services/requests and api/company-console/api-sessions; texts from the
fixtures of Sage's own clients. Each call before a session's end extends the session. A sign-in is possible to entities,
not to their child locations. An unknown sender or a wrong sender password is answered like a wrong sign-in at the
gateway itself (HTTP 401), the closest documented case. A known but inactive sender is answered with GW-0011 (HTTP 400),
an inactive user like an unknown one. A company whose Web Services are off answers like a company that has not
authorised the sender, because no separate answer is documented.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulator.envelope import Login, Operation, Request
from simulator.errors import (
    GATEWAY_INVALID,
    GATEWAY_SIGN_IN,
    PERMISSION,
    SIGN_IN,
    ControlError,
    SageError,
    SignInError,
    refuse,
)
from simulator.store import Store


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in user at the top level (`entity` empty) or at one entity."""

    company: str
    user: str
    entity: str
    since: datetime
    until: datetime
    id: str = ""
    denied: frozenset[str] = frozenset()

    def require(self, function: str, object_name: str) -> None:
        """Check that the user's role allows a function on an object; raises FunctionError if it does not."""
        if self.denied & {function, object_name, f"{function} {object_name}"}:
            raise refuse(
                PERMISSION, f"You do not have permission for API operation {function} on objects of type {object_name}"
            )


def admit_sender(store: Store, request: Request) -> None:
    """Check the sender at the gateway; raises ControlError if it is unknown, inactive or has a wrong password."""
    row = store.database.one("SELECT password, active FROM sender WHERE id = ?", (request.sender_id,))
    if row is None or row["password"] != request.sender_password:
        text = "Sign-in information is incorrect. Please check your request."
        raise ControlError(SageError(GATEWAY_SIGN_IN, text, "Sign-in information is incorrect"), status=401)
    if not row["active"]:
        raise ControlError(SageError(GATEWAY_INVALID, "Invalid Request", "Invalid Request"), status=400)


def company_of(store: Store, operation: Operation) -> str:
    """The id of the company that an operation addresses; "" if it is unknown."""
    if isinstance(operation.sign_in, Login):
        return operation.sign_in.company_id
    row = store.database.one("SELECT company FROM session WHERE id = ?", (operation.sign_in,))
    return str(row["company"]) if row else ""


def sign_in(store: Store, request: Request, operation: Operation) -> Session:
    """Sign in a user, or resume a session; raises SignInError if either is refused."""
    session = (
        _log_in(store, operation.sign_in) if isinstance(operation.sign_in, Login) else _resume(store, operation.sign_in)
    )
    authorised = store.database.one(
        "SELECT 1 FROM authorised_sender WHERE company = ? AND sender = ?", (session.company, request.sender_id)
    )
    if authorised is None or not store.setup(session.company).config.web_services:
        raise SignInError(
            SageError(
                SIGN_IN,
                f"The sender ID '{request.sender_id}' is not authorized to make Web Services requests to company ID"
                f" '{session.company}'.",
                "Invalid Web Services Authorization",
                "Contact the company administrator to grant Web Services authorization to this sender ID.",
            )
        )
    return session


def open_session(store: Store, session: Session, entity: str) -> str:
    """Open an API session for the signed-in user, at an entity or ("") at the top level. Returns the session id."""
    if entity and not _is_entity(store, session.company, entity):
        raise refuse(SIGN_IN, "Sign-in information is incorrect")
    session_id = secrets.token_urlsafe(24)
    row = (session_id, session.company, session.user, entity, session.until.isoformat())
    store.database.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?)", row)
    return session_id


def end_sessions(store: Store, company: str) -> None:
    """End every session of a company."""
    store.database.execute("DELETE FROM session WHERE company = ?", (company,))


def _log_in(store: Store, login: Login) -> Session:
    row = store.database.one(
        "SELECT password, denied FROM user_account WHERE company = ? AND id = ? AND active",
        (login.company_id, login.user_id),
    )
    known_entity = not login.entity_id or _is_entity(store, login.company_id, login.entity_id)
    if row is None or row["password"] != login.password or not known_entity:
        raise _wrong()
    return _session(store, login.company_id, login.user_id, login.entity_id, row["denied"])


def _resume(store: Store, session_id: str) -> Session:
    row = store.database.one(
        "SELECT session.*, denied FROM session JOIN user_account u ON u.company = session.company AND u.id = user"
        " AND u.active"
        " WHERE session.id = ?",
        (session_id,),
    )
    if row is None or datetime.fromisoformat(row["expires"]) <= store.clock():
        raise _wrong()
    session = _session(store, row["company"], row["user"], row["entity"], row["denied"], session_id)
    store.database.execute("UPDATE session SET expires = ? WHERE id = ?", (session.until.isoformat(), session_id))
    return session


def _session(store: Store, company: str, user: str, entity: str, denied: str, session_id: str = "") -> Session:
    since = store.clock().astimezone(UTC)
    until = since + timedelta(minutes=store.setup(company).config.session_minutes)
    return Session(company, user, entity, since, until, session_id, frozenset(filter(None, denied.split("\n"))))


def _is_entity(store: Store, company: str, entity: str) -> bool:
    return bool(store.database.find("LOCATIONENTITY", company, LOCATIONID=entity, STATUS="active"))


def _wrong() -> SignInError:
    text = "Sign-in information is incorrect"
    return SignInError(SageError(SIGN_IN, text, text, "Use the right user id, company id, password and entity id."))
