"""Where our passwords go: to the configured gateway and its domain, whatever an answer names or redirects to."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from domain.codes import Code
from domain.documents import PartyKind
from sage_client import ErrorCategory, Refused, SageClient, Timeouts, Unknown, errors, is_loopback
from sage_client._endpoint import endpoint_refusal, shown
from tests.support.sage_calls import calls, why
from tests.support.scripted_gateway import SENDER_PASSWORD, USER_PASSWORD, Asked, ScriptedGateway, all_done, login

SAGE = "https://api.intacct.com/ia/xml/xmlgw.phtml"
FAST = Timeouts(connect=2, write=2, read=5, total=10)
Answer = Callable[[Asked], bytes]


class Server:
    """A real HTTP server on this machine that notes every byte it is sent."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heard: list[bytes] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ia/xml/xmlgw.phtml"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heard.append(head)
                length = int(re.findall(rb"content-length: (\d+)", head, re.IGNORECASE)[0])
                body = await reader.readexactly(length)
                self.heard.append(body)
                writer.write(self.answer(Asked(self.url, body, httpx.Headers())))
                await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[SageClient]:
    async with SageClient(url, "acme-sender", SecretStr(SENDER_PASSWORD), timeouts=FAST) as client:
        yield client


def ok(xml: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(xml.encode())}\r\n\r\n{xml}".encode()


def redirect(status: int, to: str) -> bytes:
    return f"HTTP/1.1 {status} Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def works(asked: Asked) -> bytes:
    return ok(asked.signed_in("s3ssion", "", None) if asked.signs_in else all_done(asked))


# What an answer names.


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://na12.intacct.com/ia/xml/xmlgw.phtml",
        "https://api.intacct.com/ia/xml/xmlgw.phtml",
        "https://www-p2.eu.intacct.com:443/ia/xml/xmlgw.phtml?.cid=1",
        "HTTPS://NA12.INTACCT.COM/ia/xml/xmlgw.phtml",
        "https://intacct.com/",
    ],
)
def test_an_endpoint_in_the_gateways_domain_is_followed(endpoint):
    assert endpoint_refusal(endpoint, SAGE) is None


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evilintacct.com/x",
        "https://intacct.com.evil.org/x",
        "https://api.intacct.com.evil.org/x",
        "https://evil.org/intacct.com",
        "https://evil.org/?api.intacct.com",
        "https://evil.org#api.intacct.com",
        "https://intacct.com@evil.org/x",
        "https://api.intacct.com:443@evil.org/x",
        "https://user:pw@na12.intacct.com/x",
        "https://evil.org\\@api.intacct.com/x",
        "https://evil.org\\.intacct.com/x",
        "https://evil.org%2f.intacct.com/x",
        "https://evil.org/.intacct.com@api.intacct.com",
        "https://na12.intacct.com:8443/x",
        "https://na12.intacct.com:0/x",
        "https://na12.intacct.com:99999/x",
        "https://na12.intacct.com:80x/x",
        "http://na12.intacct.com/x",
        "http://api.intacct.com/ia/xml/xmlgw.phtml",
        "ftp://na12.intacct.com/x",
        "//na12.intacct.com/x",
        "na12.intacct.com",
        "not an address",
        "https://",
        "https:///x",
        "https://.intacct.com/x",
        "https://na12.intacct.com\n.evil.org/x",
        "https://na12.intacct.com\t/x",
        "https://na12\u3002intacct.com/x",
        "https://\u0430pi.intacct.com/x",
        "https://com/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://10.0.0.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
    ],
)
def test_an_endpoint_outside_the_gateways_domain_or_without_tls_is_not_followed(endpoint):
    assert endpoint_refusal(endpoint, SAGE) is not None


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_an_endpoint_looks_like_the_client_would_speak_to_the_domain_over_tls(start, end):
    for endpoint in (f"https://{start}intacct.com{end}", f"{start}://na12.intacct.com{end}", start + SAGE + end):
        if endpoint_refusal(endpoint, SAGE) is None:
            for parsed in (httpx.URL(endpoint).host, urlsplit(endpoint).hostname or ""):
                assert parsed == "intacct.com" or parsed.endswith(".intacct.com")
            assert httpx.URL(endpoint).scheme == "https"


@pytest.mark.parametrize(
    ("gateway", "endpoint", "followed"),
    [
        ("https://gateway.example.com/x", "https://other.example.com/x", True),
        ("https://gateway.example.com/x", "https://example.org/x", False),
        ("https://example.com/x", "https://na.example.com/x", True),
        ("https://example.com/x", "https://example2.com/x", False),
        ("https://example.co.uk/x", "https://na.example.co.uk/x", True),
        ("https://example.co.uk/x", "https://another.co.uk/x", False),
        ("https://gw.example.co.uk/x", "https://na.example.co.uk/x", True),
        ("https://gateway.example.com:8443/x", "https://na.example.com:8443/x", True),
        ("https://gateway.example.com:8443/x", "https://na.example.com/x", True),
        ("https://10.1.2.3/x", "https://10.1.2.3/y", True),
        ("https://10.1.2.3/x", "https://10.1.2.4/y", False),
        ("https://10.1.2.3/x", "https://10.1.2.3:8443/y", False),
        ("https://10.1.2.3/x", "https://api.intacct.com/y", False),
        ("http://127.0.0.1:8090/x", "http://localhost:8090/x", True),
        ("http://127.0.0.1:8090/x", "http://[::1]:8090/x", True),
        ("http://127.0.0.1:8090/x", "http://127.0.0.1:8091/x", False),
        ("http://localhost:8090/x", "https://localhost.evil.org:8090/x", False),
        ("http://simulator:8090/x", "http://simulator:8090/x", True),
        ("http://simulator:8090/x", "http://simulator:8091/x", False),
        ("http://simulator:8090/x", "http://other:8090/x", False),
    ],
)
def test_the_domain_of_a_gateway_that_is_not_sages(gateway, endpoint, followed):
    assert (endpoint_refusal(endpoint, gateway) is None) is followed


def test_another_domain_is_a_setting():
    assert endpoint_refusal("https://na12.intacct.com/x", "https://sage.corp.example/x", "intacct.com") is None
    assert endpoint_refusal("https://na12.intacct.com/x", "https://10.1.2.3/x", "intacct.com") is None
    assert endpoint_refusal("https://sage.corp.example/x", "https://sage.corp.example/x", "intacct.com") is None
    assert endpoint_refusal("https://evil.example/x", "https://sage.corp.example/x", "intacct.com") is not None
    assert endpoint_refusal("https://evilintacct.com/x", "https://sage.corp.example/x", "intacct.com") is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "a.localhost", "[::1]"])
def test_this_machine_is_known_by_all_its_names(host):
    assert is_loopback(f"http://{host}:8090/x")


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.evil.org", "mylocalhost", "0.0.0.0", "128.0.0.1", "[::2]"])
def test_another_machine_is_not_taken_for_this_one(host):
    assert not is_loopback(f"http://{host}:8090/x")


async def test_a_hostile_answer_does_not_bring_our_passwords_to_the_address_it_names():
    async with serving(works) as stranger:

        def hostile(asked: Asked) -> bytes:
            return ok(asked.signed_in("s3ssion", stranger.url, None))

        async with serving(hostile) as gateway, client_of(gateway.url) as client:
            [answer] = await client.post(login(), calls())
            with pytest.raises(errors.EndpointRefusedError) as read:
                await client.parties(login(), PartyKind.VENDOR)
    assert stranger.heard == []
    assert isinstance(answer, Refused)
    assert why(answer).code is read.value.code is Code.SAGE_ENDPOINT_REFUSED
    assert why(answer).kind is ErrorCategory.CONFIGURATION
    assert f"127.0.0.1:{stranger.port}" in str(why(answer))


async def test_an_endpoint_on_the_gateways_own_host_and_port_is_followed():
    async with serving(lambda asked: ok(asked.signed_in("s", asked.url + "?2", None))) as gateway:
        both = gateway.answer

        def answer(asked: Asked) -> bytes:
            return both(asked) if asked.signs_in else ok(all_done(asked))

        gateway.answer = answer
        async with client_of(gateway.url) as client:
            [answer_] = await client.post(login(), calls())
    assert not isinstance(answer_, Refused | Unknown)
    assert any(head.startswith(b"POST /ia/xml/xmlgw.phtml?2 ") for head in gateway.heard)


async def test_what_an_address_may_hold_is_not_told():
    gateway = ScriptedGateway(endpoint="https://me:s3cret@evil.org/x?token=s3cret")
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert "https://evil.org/x" in str(why(answer))
    assert "s3cret@" not in str(why(answer))
    assert "token" not in str(why(answer))
    assert gateway.requests == []


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_told_as_what_it_is_and_never_followed(status):
    async with serving(works) as stranger:
        to = f"http://me:s3cret@127.0.0.1:{stranger.port}/new?token=s3cret"
        async with serving(lambda _: redirect(status, to)) as gateway, client_of(gateway.url) as client:
            [answer] = await client.post(login(), calls())
            with pytest.raises(errors.GatewayRedirectsError) as read:
                await client.parties(login(), PartyKind.VENDOR)
    assert stranger.heard == []
    assert isinstance(answer, Refused)  # signing in books nothing
    assert why(answer).code is read.value.code is Code.SAGE_REDIRECTS
    told = str(why(answer))
    assert f"HTTP {status}" in told
    assert f"http://127.0.0.1:{stranger.port}/new" in told
    assert "s3cret" not in told
    assert "token" not in told


@pytest.mark.parametrize("status", [302, 303, 307, 308])
async def test_a_redirect_of_a_document_is_not_proof_that_it_was_not_booked(status):
    async with serving(works) as stranger:

        def answer(asked: Asked) -> bytes:
            return works(asked) if asked.signs_in else redirect(status, stranger.url)

        async with serving(answer) as gateway, client_of(gateway.url) as client:
            [found] = await client.post(login(), calls())
    assert stranger.heard == []
    assert isinstance(found, Unknown)
    assert isinstance(found.error, errors.RedirectedError)
    assert "redirects are not followed" in str(found.error)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://u:p@h.example:8443/a?b=c#d", "https://h.example:8443/a"),
        ("/elsewhere?session=1", "/elsewhere"),
        ("", "no address"),
        ("https://h:99999/", "an unreadable address"),
        ("https://h/\x1b[31mred", "https://h/?[31mred"),
    ],
)
def test_an_address_is_told_without_what_it_may_hide(address, told):
    assert shown(address) == told


# Proxies.


async def test_a_proxy_of_the_environment_reads_no_password(monkeypatch):
    async with serving(works) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with client_of("http://simulator.invalid:8090/ia/xml/xmlgw.phtml") as client:
            [answer] = await client.post(login(), calls())
    assert isinstance(answer, Refused)
    assert proxy.heard == []


async def test_a_proxy_of_the_environment_tunnels_https(monkeypatch):
    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    heard: list[bytes] = []
    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with client_of("https://gateway.invalid/ia/xml/xmlgw.phtml") as client:
            [answer] = await client.post(login(), calls())
    assert isinstance(answer, Refused)
    assert isinstance(answer.error, errors.NotConnectedError)
    assert heard[0].startswith(b"CONNECT gateway.invalid:443 ")
    assert SENDER_PASSWORD.encode() not in b"".join(heard)
    assert USER_PASSWORD.encode() not in b"".join(heard)


@pytest.mark.parametrize("proxy", ["socks5://u:s3cret@127.0.0.1:1", "gopher://u:s3cret@127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_one_clear_line(monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(errors.ConfigurationError, match="proxy of the environment") as error:
        SageClient(SAGE, "acme-sender", SecretStr(SENDER_PASSWORD))
    assert "s3cret" not in str(error.value)


# Control ids.


async def test_every_request_and_every_function_that_reads_has_a_control_id_of_its_own():
    gateway = ScriptedGateway(lambda asked: asked.answer("".join(map(_page, asked.control_ids))))
    async with gateway.client() as client:
        for _ in range(5):
            await client.parties(login(), PartyKind.VENDOR)
            await client.accounts(login())
            with suppress(errors.SageError):
                await client.probe(login())
        await client.parties(login("OTHER"), PartyKind.CUSTOMER)
    asked = [*gateway.sign_ins, *gateway.requests]
    requests = [each.root.findtext("control/controlid") for each in asked]
    functions = [control_id for each in asked for control_id in each.control_ids]
    assert len(set(requests)) == len(requests) == 18
    assert len(set(functions)) == len(functions) == 18
    assert {each.root.findtext("control/uniqueid") for each in asked} == {"false"}


async def test_a_call_that_writes_keeps_its_own_control_id():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        for _ in range(2):
            await client.post(login(), calls())
    assert [each.control_ids for each in gateway.requests] == [["call-0"], ["call-0"]]
    assert {each.root.findtext("control/uniqueid") for each in gateway.requests} == {"true"}


def _page(control_id: str) -> str:
    return (
        f"<result><status>success</status><function>query</function><controlid>{control_id}</controlid>"
        '<data listtype="VENDOR" totalcount="0" offset="0" count="0" numremaining="0"/></result>'
    )
