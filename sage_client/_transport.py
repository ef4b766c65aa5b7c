"""One exchange with the gateway: send bytes, and return an answer or raise one classified error.

What each failure proves:

* No connection (refused, name unknown, TLS failed, connect or pool time-out, proxy refused): no byte was sent. The
  outcome is "not done".
* Any later failure (write, read or total time-out, dropped connection, broken compression): bytes may have been sent,
  and Sage may execute a request that arrived. The outcome is unknown.
* A redirect is never followed, because it would send our passwords to an address that nobody configured. Sage may have
  executed the request before the redirect (a 303 often means just that). The outcome is unknown.

Errors are raised outside the `except` block that caught the cause. An httpx exception holds the request, which holds
passwords, so it must not become the context of our error.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from logging import getLogger

import httpx

from sage_client._classify import classify
from sage_client._endpoint import shown
from sage_client._error_categories import ExchangeLevel
from sage_client._reply import Reply, parse
from sage_client.errors import (
    ConnectionLostError,
    NotConnectedError,
    RedirectedError,
    SageError,
    UnreadableAnswerError,
)
from sage_client.timeouts import Timeouts

log = getLogger("sage_client")

LONGEST_RETRY_AFTER = 120.0
"""Longest accepted Retry-After, in seconds.

The header is not documented for the XML gateway. It is honoured up to this limit, so that a wrong value cannot stop a
company for long.
"""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Largest accepted answer, in bytes. A full page of 2,000 vendors is a hundredth of it."""

_NEVER_CONNECTED = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)  # fmt: skip


_REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})


class RequestBody(httpx.AsyncByteStream):
    """The bytes of a request. They contain passwords, so the repr does not show them (tracebacks may show locals)."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __len__(self) -> int:
        return len(self._body)

    def __repr__(self) -> str:
        return f"<RequestBody of {len(self)} bytes>"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


class Transport:
    """Sends POST requests to the gateway, with all time-outs on.

    Args:
        http: The HTTP client.
        timeouts: The time-outs; `timeouts.total` is enforced here, the others by `http`.
        clock: Returns the present time, with time zone; needed for Retry-After.
    """

    def __init__(self, http: httpx.AsyncClient, timeouts: Timeouts, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._timeouts = timeouts
        self._clock = clock

    async def exchange(self, url: str, request_id: str, body: RequestBody) -> Reply:
        """Send one request and return its answer, which contains the results of the functions.

        Args:
            url: The address of the gateway or of a session's endpoint.
            request_id: The control id of the request, which the answer must repeat.
            body: The bytes of the request.

        Raises:
            SageError: The exchange failed, or Sage refused the request as a whole.
        """
        response, content = await self._send(url, body)
        status = response.status_code
        if status in _REDIRECTS:
            where = shown(response.headers.get("location", ""))
            raise RedirectedError(
                f"HTTP {status}: {shown(url)} redirects to {where}, and redirects are not followed",
                level=ExchangeLevel.HTTP,
                http_status=status,
            )
        wait = retry_after(response.headers.get("retry-after"), self._clock())
        reply = _read(content, status, wait)
        if reply.failed and (not reply.control_id or reply.control_id == request_id):
            raise classify(reply.failed, status, reply.errors, retry_after=wait)
        if reply.control_id != request_id:
            raise UnreadableAnswerError(
                "the answer is to another request", level=ExchangeLevel.HTTP, http_status=status
            )
        return reply

    async def _send(self, url: str, body: RequestBody) -> tuple[httpx.Response, bytes]:
        failure: SageError
        headers = {"Content-Length": str(len(body))}
        try:
            async with (
                asyncio.timeout(self._timeouts.total),
                self._http.stream("POST", url, content=body, headers=headers) as response,
            ):
                return response, await _whole(response)
        except _NEVER_CONNECTED as error:
            failure = NotConnectedError(f"no connection: {_said(error)}", level=ExchangeLevel.TRANSPORT)
        except Exception as error:  # noqa: BLE001 - bytes may have been sent, so no error here may look like "not sent"
            failure = ConnectionLostError(f"no whole answer: {_said(error)}", level=ExchangeLevel.TRANSPORT)
        log.warning("sage exchange failed: %s", failure)
        raise failure


async def _whole(response: httpx.Response) -> bytes:
    """Read the decompressed bytes of an answer. They may be a thousand times as many as the bytes received."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise ValueError(f"the answer is larger than {LARGEST_ANSWER} bytes")
    return bytes(content)


def _read(body: bytes, status: int, wait: float | None) -> Reply:
    try:
        return parse(body)
    except UnreadableAnswerError as unreadable:
        why = unreadable.message
    failure = classify(ExchangeLevel.HTTP, status, (), retry_after=wait)
    raise type(failure)(f"HTTP {status}: {why}", level=ExchangeLevel.HTTP, http_status=status, retry_after=wait)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def retry_after(header: str | None, now: datetime) -> float | None:
    """Read the delay in seconds from a Retry-After header, given as seconds or as an HTTP date.

    None if there is no header or its value cannot be used. The result is at most `LONGEST_RETRY_AFTER`.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:  # "-0000": in UTC, by RFC 5322
            moment = moment.replace(tzinfo=UTC)
        return min(max((moment - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)
    except (ValueError, OverflowError):  # no date, or one beyond all calendars
        return None
