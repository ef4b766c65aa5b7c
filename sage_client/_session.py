"""Sessions: one per (company, user, entity), opened once, shared by all calls, and renewed by every answer.

`getAPISession` answers with a session id and the endpoint for it (Sage developer documentation,
company-console/api-sessions; web-services). The login is sent to the gateway address only. The endpoint that an answer
names receives the session id and our sender's password, so it must be within the gateway's domain (`_endpoint`); if it
is not, signing in fails. Each answer gives a new `sessiontimeout`. A new session is opened a margin before that time.

All callers that wait for the same session share one sign-in, and if it fails, they all get the same failure: a wrong
password that is tried once for each waiting document would lock the user out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from sage_client._classify import as_read, classify
from sage_client._endpoint import endpoint_refusal, shown
from sage_client._error_categories import ExchangeLevel
from sage_client._reply import SUCCESS, Reply
from sage_client.errors import ConfigurationError, EndpointRefusedError, SageError, UnavailableError
from sage_client.login import Login

MARGIN = timedelta(seconds=60)
"""Time before its end at which a session is no longer used, so that it is still valid when Sage gets the request."""


@dataclass(slots=True)
class Session:
    """An open session. Every answer renews `expires`; None means that Sage named no end."""

    id: SecretStr
    endpoint: str
    expires: datetime | None

    def fresh(self, now: datetime) -> bool:
        """Whether the session is valid for longer than the margin."""
        return self.expires is None or now + MARGIN < self.expires

    def renewed(self, reply: Reply) -> None:
        """Set the end of the session that an answer names; without one, the end stays."""
        self.expires = reply.session_timeout or self.expires


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: Session | None = None
    ended: int = 0
    """The number of finished sign-ins. A caller that waited during one shares its failure."""
    failure: SageError | None = None


class Sessions:
    """The open sessions.

    Args:
        sign_in: Opens a session for a login.
        clock: Returns the present time, with time zone.
    """

    def __init__(self, sign_in: Callable[[Login], Awaitable[Session]], clock: Callable[[], datetime]) -> None:
        self._sign_in = sign_in
        self._clock = clock
        self._slots: dict[tuple[str, str, str], _Slot] = {}

    async def get(self, login: Login, *, but: Session | None = None) -> Session:
        """Get a valid session for a login, and sign in if there is none.

        Args:
            login: The company, user and entity.
            but: A session that Sage just refused, which is not returned again.

        Raises:
            SageError: Signing in failed.
        """
        slot = self._slots.setdefault(login.key, _Slot())
        if session := self._usable(slot, but):
            return session
        ended = slot.ended
        async with slot.lock:
            if session := self._usable(slot, but):
                return session
            if slot.ended != ended and slot.failure is not None:
                raise _again(slot.failure)
            slot.session = slot.failure = None
            try:
                slot.session = await self._sign_in(login)
            except SageError as failure:
                slot.failure = _again(failure)
                raise
            finally:
                slot.ended += 1
            return slot.session

    def forget(self, login: Login, session: Session) -> None:
        """Drop a session that Sage refused."""
        slot = self._slots.get(login.key)
        if slot is not None and slot.session is session:
            slot.session = None

    def drop(self, login: Login) -> None:
        """Drop the open session of a login, because the result of a function says that it ended."""
        if (slot := self._slots.get(login.key)) is not None:
            slot.session = None

    def _usable(self, slot: _Slot, but: Session | None) -> Session | None:
        session = slot.session
        return session if session is not None and session is not but and session.fresh(self._clock()) else None


def opened(reply: Reply, login: Login, gateway_url: str, domain: str | None = None) -> Session:
    """Read the session from the answer to `getAPISession`. Without an endpoint it is used at the gateway address.

    Args:
        reply: The answer.
        login: The login that was sent.
        gateway_url: The configured address of the gateway.
        domain: The domain of accepted endpoints; None: that of the gateway (`_endpoint`).

    Raises:
        SageError: The answer opens no session; or it opens one in another entity than the login names, so that
            documents would be booked in the wrong books; or it names an endpoint that is not accepted.
    """
    result = reply.results[0] if reply.results else None
    if result is not None and result.status != SUCCESS:
        # This function only signs in, so its refusal counts as one of the authentication level.
        raise as_read(classify(ExchangeLevel.AUTHENTICATION, None, result.errors))
    row = result.rows[0] if result is not None and result.rows else {}
    session_id = row.get("sessionid", "").strip()
    if not session_id:
        raise UnavailableError("getAPISession answered without a session id", level=ExchangeLevel.RESULT)
    entity = row.get("locationid")
    if entity is not None and entity.strip().casefold() != (login.entity_id or "").casefold():
        raise ConfigurationError(
            f"signed in to entity {entity!r} where {login.entity_id or 'the top level'!r} was asked for",
            level=ExchangeLevel.RESULT,
        )
    endpoint = row.get("endpoint", "").strip()
    if endpoint and (why := endpoint_refusal(endpoint, gateway_url, domain)) is not None:
        raise EndpointRefusedError(
            f"the gateway {shown(gateway_url)} names {shown(endpoint)} as the session's endpoint: {why}",
            level=ExchangeLevel.RESULT,
        )
    return Session(SecretStr(session_id), endpoint or gateway_url, reply.session_timeout)


def _again(failure: SageError) -> SageError:
    """Copy a failure for another caller, because an exception that is raised twice would mix two tracebacks."""
    return type(failure)(
        failure.message,
        level=failure.level,
        http_status=failure.http_status,
        errors=failure.errors,
        retry_after=failure.retry_after,
    )
