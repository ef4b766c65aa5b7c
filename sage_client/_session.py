"""Sessions: one per (company, user, entity), opened once, used by all, renewed by every answer.

`getAPISession` answers with a session id and the endpoint to use it at (Sage developer documentation,
company-console/api-sessions; web-services). The login goes to the gateway address and nowhere else; what an answer
names as endpoint is sent the session id and our sender's password, so it has to be within the gateway's domain
(`_endpoint`), else signing in fails. The lifetime slides: each answer tells the new `sessiontimeout`, and a margin
before it a new session is opened.

A crowd waiting for the same session signs in once, and if that fails they all hear that failure: a wrong password that
is tried once per waiting document locks the user out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from sage_client._classify import as_read, classify
from sage_client._endpoint import endpoint_refusal, shown
from sage_client._kinds import Level
from sage_client._reply import SUCCESS, Reply
from sage_client.errors import ConfigurationError, EndpointRefusedError, SageError, UnavailableError
from sage_client.login import Login

MARGIN = timedelta(seconds=60)
"""A request that starts now must still find its session alive when Sage gets to it."""


@dataclass(slots=True)
class Session:
    """An open session; `expires` moves on with every answer, None where Sage named no end."""

    id: SecretStr
    endpoint: str
    expires: datetime | None

    def fresh(self, now: datetime) -> bool:
        """Whether it outlives the margin."""
        return self.expires is None or now + MARGIN < self.expires

    def renewed(self, reply: Reply) -> None:
        """Take over the end that an answer names."""
        self.expires = reply.session_timeout or self.expires


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: Session | None = None
    ended: int = 0
    """Sign-ins that came to an end, well or not: who waited through one shares its failure."""
    failure: SageError | None = None


class Sessions:
    """The open sessions; `sign_in` is the exchange that opens one."""

    def __init__(self, sign_in: Callable[[Login], Awaitable[Session]], clock: Callable[[], datetime]) -> None:
        self._sign_in = sign_in
        self._clock = clock
        self._slots: dict[tuple[str, str, str], _Slot] = {}

    async def get(self, login: Login, *, but: Session | None = None) -> Session:
        """A session that is alive and is not `but`, the one Sage has just refused.

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
        """Drop whatever session is open: a function's result says that it ended."""
        if (slot := self._slots.get(login.key)) is not None:
            slot.session = None

    def _usable(self, slot: _Slot, but: Session | None) -> Session | None:
        session = slot.session
        return session if session is not None and session is not but and session.fresh(self._clock()) else None


def opened(reply: Reply, login: Login, gateway_url: str, domain: str | None = None) -> Session:
    """The session that the answer to `getAPISession` opens; one that names no endpoint is used at the gateway.

    Raises:
        SageError: It opens none, or one in another entity than the login names: documents would land in foreign books;
            or it names an endpoint that may not be followed.
    """
    result = reply.results[0] if reply.results else None
    if result is not None and result.status != SUCCESS:
        # The only thing it could do is sign in, so its refusal is one of the authentication level.
        raise as_read(classify(Level.AUTHENTICATION, None, result.errors))
    row = result.rows[0] if result is not None and result.rows else {}
    session_id = row.get("sessionid", "").strip()
    if not session_id:
        raise UnavailableError("getAPISession answered without a session id", level=Level.RESULT)
    entity = row.get("locationid")
    if entity is not None and entity.strip().casefold() != (login.entity_id or "").casefold():
        raise ConfigurationError(
            f"signed in to entity {entity!r} where {login.entity_id or 'the top level'!r} was asked for",
            level=Level.RESULT,
        )
    endpoint = row.get("endpoint", "").strip()
    if endpoint and (why := endpoint_refusal(endpoint, gateway_url, domain)) is not None:
        raise EndpointRefusedError(
            f"the gateway {shown(gateway_url)} names {shown(endpoint)} as the session's endpoint: {why}",
            level=Level.RESULT,
        )
    return Session(SecretStr(session_id), endpoint or gateway_url, reply.session_timeout)


def _again(failure: SageError) -> SageError:
    """The same failure for another hearer: an exception that is raised twice would mix two tracebacks."""
    return type(failure)(
        failure.message,
        level=failure.level,
        http_status=failure.http_status,
        errors=failure.errors,
        retry_after=failure.retry_after,
    )
