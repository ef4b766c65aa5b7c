"""Secrets never travel: not in a repr, a log line, an error, or the chain behind an error (promise 8)."""

import logging
import traceback
from collections.abc import Awaitable, Iterator

import httpx
import pytest

from domain.documents import PartyKind
from sage_client import SageError
from sage_client._envelope import Authentication, Sender
from sage_client._session import opened
from sage_client._transport import RequestBody
from tests.support.sage_calls import calls
from tests.support.scripted_gateway import (
    SENDER_PASSWORD,
    SESSION_ID,
    USER_PASSWORD,
    Script,
    ScriptedGateway,
    all_done,
    error,
    errormessage,
    login,
)

SECRETS = ("s3cret",)


def assert_silent(*texts: str) -> None:
    for text in texts:
        for secret in SECRETS:
            assert secret not in text


def chain(raised: BaseException | None) -> Iterator[BaseException]:
    while raised is not None:
        yield raised
        raised = raised.__cause__ or raised.__context__


async def failure_of(read: Awaitable[object]) -> SageError | None:
    try:
        await read
    except SageError as error:
        return error
    return None


def shown(raised: BaseException | None) -> list[str]:
    """What a log shows of an error that writes the local variables of our frames as well."""
    if raised is None:
        return []
    trace = traceback.TracebackException.from_exception(raised, capture_locals=True)
    ours = [each for each in trace.stack if "/sage_client/" in each.filename and "/tests/" not in each.filename]
    assert ours
    return [*trace.format_exception_only(), *(str(each.locals) for each in ours)]


REPLIES: dict[str, Script] = {
    "done": all_done,
    "session refused": lambda asked: asked.answer(errormessage(error("XL03000006", "no")), auth="failure"),
    "read time-out": lambda _: httpx.ReadTimeout("slow"),
    "connection refused": lambda _: httpx.ConnectError("refused"),
    "html": lambda _: "<html/>",
    "503": lambda _: httpx.Response(503),
    "echo": lambda asked: asked.body.decode(),
    "something else": lambda _: RuntimeError("odd"),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize("at_sign_in", [True, False])
async def test_no_secret_in_logs_answers_or_error_chains(reply, at_sign_in, caplog):
    caplog.set_level(logging.DEBUG)
    gateway = ScriptedGateway(sign_in=reply) if at_sign_in else ScriptedGateway(reply)
    async with gateway.client() as client:
        answers = await client.post(login(), calls(2))
        assert_silent(repr(answers), repr(client), str([getattr(a, "error", "") for a in answers]))
        for answer in answers:
            for each in chain(getattr(answer, "error", None)):
                assert_silent(repr(each), str(each.__dict__))
                assert not isinstance(each, httpx.HTTPError)  # it would hold the request
        raised = await failure_of(client.parties(login(), PartyKind.VENDOR))
        assert_silent(*shown(raised))
        assert all(not isinstance(each, httpx.HTTPError) for each in chain(raised))
    assert_silent(caplog.text)


async def test_requests_do_carry_them_or_this_file_would_prove_nothing():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        await client.post(login(), calls())
    [sign_in], [request] = gateway.sign_ins, gateway.requests
    assert sign_in.root.findtext("control/password") == SENDER_PASSWORD
    assert sign_in.root.findtext("operation/authentication/login/password") == USER_PASSWORD
    assert request.root.findtext("operation/authentication/sessionid") == f"{SESSION_ID}-1"
    assert USER_PASSWORD.encode() not in request.body


def test_no_secret_in_any_repr():
    who = login()
    body = RequestBody(SENDER_PASSWORD.encode())
    sender = Sender("acme", login(password=SENDER_PASSWORD).password)
    assert_silent(repr(who), str(who), repr(body), repr(sender), repr(Authentication.by_login(who)))
    assert repr(body) == f"<RequestBody of {len(SENDER_PASSWORD)} bytes>"
    assert hash(who) == hash(login())


async def test_no_secret_in_the_repr_of_a_session_or_its_answer():
    gateway = ScriptedGateway()
    seen = []

    def keep(asked):
        seen.append(asked.signed_in(SESSION_ID, "", None))
        return seen[-1]

    gateway.sign_in = keep
    async with gateway.client() as client:
        await client.post(login(), calls())
        from sage_client._reply import parse  # noqa: PLC0415 - only this test looks inside

        answer = parse(seen[0].encode())
        assert_silent(repr(answer), repr(opened(answer, login(), "http://g.test/")), repr(client._sessions._slots))
