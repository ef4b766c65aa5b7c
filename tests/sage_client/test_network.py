"""Real sockets on the loopback: what each fault of the wire proves (promise 2)."""

import asyncio
import gzip
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count

import httpx
import pytest
from lxml import etree
from pydantic import SecretStr

from domain.documents import PartyKind
from sage_client import Done, ErrorCategory, RateLimit, Refused, SageClient, Timeouts, Unknown, errors
from tests.support.sage_calls import calls
from tests.support.scripted_gateway import SENDER_PASSWORD, Asked, all_done, login

Writer = asyncio.StreamWriter
Fault = Callable[[Writer, Asked], Awaitable[None]]
NAME = "gateway.test"
LARGE = 2000
"""Bytes that only a request of many documents has; a sign-in has fewer."""

FAST = Timeouts(connect=1, write=1, read=1, total=10)


class Wire:
    """A gateway of sockets: signs in as it should, then does to the request what `fault` says."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.connections = 0
        self.received: list[bytes] = []
        self.reading = asyncio.Event()
        self.host = "127.0.0.1"
        self.port = 0
        self.server: asyncio.Server | None = None
        """Where it is set, nobody listens any more once a session was opened."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/ia/xml/xmlgw.phtml"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(re.findall(r"content-length: (\d+)", head, re.IGNORECASE)[0])
                if length > LARGE and self.fault is never_reads:
                    await asyncio.sleep(30)
                body = await reader.readexactly(length)
                asked = Asked(self.url, body, httpx.Headers())
                if asked.signs_in and self.server is not None:
                    self.server.close()
                    await reply(writer, asked.signed_in("s3ssion", "", None).encode(), headers="Connection: close\r\n")
                    break
                if asked.signs_in:
                    await reply(writer, asked.signed_in("s3ssion", "", None).encode())
                else:
                    self.received.append(body)
                    self.reading.set()
                    await self.fault(writer, asked)
        writer.close()


async def reply(
    writer: Writer, body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None
) -> None:
    size = len(body) if length is None else length
    writer.write(
        f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\n{headers}Content-Length: {size}\r\n\r\n".encode() + body
    )
    await writer.drain()


@asynccontextmanager
async def wired(
    fault: Fault,
    *,
    timeouts: Timeouts = FAST,
    rate_limit: RateLimit = RateLimit(),  # noqa: B008 - frozen
    leaves: bool = False,
) -> AsyncIterator[tuple[SageClient, Wire]]:
    wire = Wire(fault)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    if leaves:
        wire.server = server
    wire.port = server.sockets[0].getsockname()[1]
    try:
        async with SageClient(
            wire.url,
            "acme-sender",
            SecretStr(SENDER_PASSWORD),
            timeouts=timeouts,
            rate_limit=rate_limit,
        ) as client:
            yield client, wire
    finally:
        server.close()


async def works(writer: Writer, asked: Asked) -> None:
    await reply(writer, all_done(asked).encode())


def leaving(left: asyncio.Event) -> Fault:
    """Answers, and then closes the connection without having said so, as gateways do with those that are idle."""

    async def fault(writer: Writer, asked: Asked) -> None:
        await works(writer, asked)
        writer.close()
        await writer.wait_closed()
        left.set()

    return fault


async def drops_after_reading(writer: Writer, asked: Asked) -> None:
    writer.transport.abort()


async def closes_after_reading(writer: Writer, asked: Asked) -> None:
    writer.close()


async def truncates(writer: Writer, asked: Asked) -> None:
    body = all_done(asked).encode()
    await reply(writer, body[: len(body) // 2], length=len(body))
    writer.close()


async def truncates_unnoticed(writer: Writer, asked: Asked) -> None:
    body = all_done(asked).encode()
    await reply(writer, body[: len(body) // 2])


async def is_silent(writer: Writer, asked: Asked) -> None:
    await asyncio.sleep(30)


async def trickles(writer: Writer, asked: Asked) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await asyncio.sleep(0.05)


async def speaks_something_else(writer: Writer, asked: Asked) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await writer.drain()
    writer.close()


async def garbles_gzip(writer: Writer, asked: Asked) -> None:
    await reply(writer, b"this is no gzip", headers="Content-Encoding: gzip\r\n")


async def is_cut_by_the_content_network(writer: Writer, asked: Asked) -> None:
    await reply(writer, b"<html>cf-error-details</html>", status="524 A timeout occurred")


async def is_cut_by_a_proxy_that_answers_for_the_gateway(writer: Writer, asked: Asked) -> None:
    """A reverse proxy whose patience (often 60 s) ends before the gateway's work does."""
    await asyncio.sleep(0.3)
    await reply(writer, b"<html><h1>504 Gateway Time-out</h1></html>", status="504 Gateway Time-out")
    writer.close()


async def is_cut_by_a_proxy_that_says_nothing(writer: Writer, asked: Asked) -> None:
    """A firewall or tunnel that forgets a connection over which nothing was sent for a while."""
    await asyncio.sleep(0.3)
    writer.transport.abort()


async def is_cut_by_a_proxy_within_the_answer(writer: Writer, asked: Asked) -> None:
    body = all_done(asked).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n")
    writer.write(f"{len(body) // 2:x}\r\n".encode() + body[: len(body) // 2] + b"\r\n")
    await writer.drain()
    await asyncio.sleep(0.3)
    writer.close()


async def never_reads(writer: Writer, asked: Asked) -> None:
    await asyncio.sleep(30)


@pytest.mark.parametrize(
    "fault",
    [
        drops_after_reading,
        closes_after_reading,
        truncates,
        truncates_unnoticed,
        is_silent,
        speaks_something_else,
        garbles_gzip,
        is_cut_by_the_content_network,
        is_cut_by_a_proxy_that_answers_for_the_gateway,
        is_cut_by_a_proxy_that_says_nothing,
        is_cut_by_a_proxy_within_the_answer,
    ],
)
async def test_a_request_that_was_read_and_not_answered_whole_is_unknown(fault):
    async with wired(fault) as (client, wire):
        [answer] = await client.post(login(), calls())
        assert isinstance(answer, Unknown)
        assert len(wire.received) == 1  # and it was not sent again


async def test_an_answer_that_trickles_for_ever_ends_as_unknown():
    timeouts = Timeouts(connect=1, write=1, read=1, total=1.5)
    async with wired(trickles, timeouts=timeouts) as (client, _):
        [answer] = await client.post(login(), calls())
    assert isinstance(answer, Unknown)
    assert isinstance(answer.error, errors.ConnectionLostError)


async def test_a_body_that_the_other_side_does_not_take_is_unknown():
    async with wired(never_reads) as (client, wire):
        answers = await client.post(login(), calls(10_000))
    assert all(isinstance(answer, Unknown) for answer in answers)
    assert wire.received == []


async def test_a_connection_that_was_never_made_is_not_done():
    async with wired(works, leaves=True) as (client, wire):
        [answer] = await client.post(login(), calls())
        assert isinstance(answer, Refused)
        assert isinstance(answer.error, errors.NotConnectedError)
        assert wire.received == []


async def test_companies_that_hang_leave_a_connection_for_the_next():
    hanging, arrived = 150, count(1)

    async def answers_the_last(writer: Writer, asked: Asked) -> None:
        await (works if next(arrived) > hanging else is_silent)(writer, asked)

    timeouts = Timeouts(connect=10, write=10, read=30, total=30)
    async with wired(answers_the_last, timeouts=timeouts) as (client, wire):
        tasks = [asyncio.create_task(client.post(login(f"HANGS-{each}"), calls())) for each in range(hanging)]
        async with asyncio.timeout(20):
            while len(wire.received) < hanging:  # noqa: ASYNC110 - the gateway tells of the first request alone
                await asyncio.sleep(0.02)
            assert await client.post(login("HEALTHY"), calls()) == [Done("call-0", "500")]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_cancelled_call_says_so_at_once():
    async with wired(is_silent) as (client, wire):
        task = asyncio.create_task(client.post(login(), calls()))
        await wire.reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_connections_are_kept_and_answers_may_be_compressed():
    async def compressed(writer: Writer, asked: Asked) -> None:
        await reply(writer, gzip.compress(all_done(asked).encode()), headers="Content-Encoding: gzip\r\n")

    async with wired(compressed) as (client, wire):
        for _ in range(3):
            assert await client.post(login(), calls()) == [Done("call-0", "500")]
        assert wire.connections == 1
        assert etree.fromstring(wire.received[0]).tag == "request"


async def test_a_connection_that_the_gateway_drops_between_two_requests_costs_no_doubt():
    left = asyncio.Event()
    async with wired(leaving(left)) as (client, wire):
        for number in range(1, 4):
            left.clear()
            assert await client.post(login(), calls()) == [Done("call-0", "500")]
            async with asyncio.timeout(20):
                await left.wait()
            assert len(wire.received) == number


async def test_when_the_name_of_the_gateway_leads_elsewhere_the_next_connection_follows(monkeypatch):
    """Sage moves to another address, and closes the connections of the former one."""
    left = asyncio.Event()
    addresses = ["127.0.0.1", "127.0.0.2"]
    resolve = socket.getaddrinfo

    def resolved(host, *arguments, **options):
        named = host.decode() if isinstance(host, bytes) else host
        return resolve(addresses[0] if named == NAME else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    former, present = Wire(leaving(left)), Wire(works)
    one = await asyncio.start_server(former.serve, addresses[0], 0)
    former.port = present.port = one.sockets[0].getsockname()[1]
    former.host = present.host = NAME
    two = await asyncio.start_server(present.serve, addresses[1], present.port)
    async with one, two, SageClient(former.url, "acme-sender", SecretStr(SENDER_PASSWORD), timeouts=FAST) as client:
        assert await client.post(login(), calls()) == [Done("call-0", "500")]
        async with asyncio.timeout(20):
            await left.wait()
        del addresses[0]
        assert await client.post(login(), calls()) == [Done("call-0", "500")]
    assert (len(former.received), len(present.received)) == (1, 1)


@pytest.mark.parametrize("fault", [drops_after_reading, truncates, truncates_unnoticed, is_silent, garbles_gzip])
async def test_a_read_that_breaks_off_is_an_error_to_be_tried_again(fault):
    async with wired(fault) as (client, _):
        with pytest.raises(errors.UnavailableError) as raised:
            await client.parties(login(), PartyKind.CUSTOMER)
    assert raised.value.kind is ErrorCategory.RETRY
