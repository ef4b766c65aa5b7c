"""Sessions: opened once, renewed by every answer, opened again when refused, and logins sent to the gateway alone."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from domain.codes import Code
from domain.documents import PartyKind
from sage_client import Done, ErrorCategory, Refused, Unknown, errors
from tests.support.sage_calls import calls, why
from tests.support.scripted_gateway import (
    ENDPOINT,
    GATEWAY,
    SESSION_ID,
    Asked,
    Reply,
    Script,
    ScriptedGateway,
    all_done,
    done,
    error,
    errormessage,
    login,
    refused,
)

BAD_SIGN_IN = error("XL03000006", "Sign-in information is incorrect")


def refuse_session(asked: Asked) -> str:
    return asked.answer(errormessage(BAD_SIGN_IN), auth="failure")


def refuse_once() -> Script:
    seen: list[Asked] = []

    def script(asked: Asked) -> str:
        seen.append(asked)
        return refuse_session(asked) if len(seen) == 1 else all_done(asked)

    return script


async def test_one_sign_in_serves_many_requests():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        for _ in range(3):
            await client.post(login(), calls())
    assert len(gateway.sign_ins) == 1
    assert len(gateway.requests) == 3


async def test_a_crowd_signs_in_once():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        await asyncio.gather(*(client.post(login(), calls()) for _ in range(20)))
    assert len(gateway.sign_ins) == 1


async def test_each_company_and_each_entity_has_a_session_of_its_own():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        for who in (login(), login(entity="100"), login(entity="200"), login("OTHER"), login(entity="100")):
            await client.post(who, calls())
    assert len(gateway.sign_ins) == 4
    assert [asked.location for asked in gateway.sign_ins] == ["", "100", "200", ""]


async def test_logins_go_to_the_gateway_and_sessions_to_the_endpoint():
    gateway = ScriptedGateway(refuse_once())
    async with gateway.client() as client:
        await client.post(login(), calls())
    assert [asked.url for asked in gateway.sign_ins] == [GATEWAY, GATEWAY]
    assert {asked.url for asked in gateway.requests} == {ENDPOINT}
    for asked in gateway.requests:
        assert asked.root.find("operation/authentication/login") is None
        assert (asked.root.findtext("operation/authentication/sessionid") or "").startswith(SESSION_ID)


async def test_an_answer_that_names_no_endpoint_leaves_us_at_the_gateway():
    gateway = ScriptedGateway(endpoint="")
    async with gateway.client() as client:
        await client.post(login(), calls())
    assert [asked.url for asked in gateway.requests] == [GATEWAY]


@pytest.mark.parametrize(
    "endpoint",
    ["not an address", "ftp://na12.sage.test/x", "http://", "http://na12.sage.test/x", "https://evil.test/x"],
)
async def test_an_endpoint_that_may_not_be_followed_ends_signing_in_and_nothing_is_sent(endpoint):
    gateway = ScriptedGateway(endpoint=endpoint)
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert isinstance(answer, Refused)
    assert isinstance(answer.error, errors.EndpointRefusedError)
    assert why(answer).kind is ErrorCategory.CONFIGURATION
    assert gateway.requests == []


async def test_a_session_near_its_end_is_replaced_before_it_is_used():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        await client.post(login(), calls())
        gateway.now += timedelta(hours=1, minutes=58)
        await client.post(login(), calls())
        gateway.now += timedelta(seconds=61)
        await client.post(login(), calls())
    assert len(gateway.sign_ins) == 2


async def test_every_answer_renews_the_session():
    gateway = ScriptedGateway()
    gateway.script = lambda asked: asked.answer(done(asked.control_ids[0]), timeout=gateway.now + timedelta(hours=2))
    async with gateway.client() as client:
        for _ in range(5):
            await client.post(login(), calls())
            gateway.now += timedelta(hours=1, minutes=30)
    assert len(gateway.sign_ins) == 1


async def test_a_session_without_a_named_end_is_used_until_it_is_refused():
    gateway = ScriptedGateway(lifetime=None)
    async with gateway.client() as client:
        await client.post(login(), calls())
        gateway.now += timedelta(days=30)
        await client.post(login(), calls())
    assert len(gateway.sign_ins) == 1


async def test_a_refused_session_is_opened_again_and_the_request_sent_again():
    gateway = ScriptedGateway(refuse_once())
    async with gateway.client() as client:
        assert await client.post(login(), calls()) == [Done("call-0", "500")]
    assert len(gateway.sign_ins) == 2
    assert [asked.control_ids for asked in gateway.requests] == [["call-0"], ["call-0"]]
    ids = [asked.root.findtext("operation/authentication/sessionid") for asked in gateway.requests]
    assert ids[0] != ids[1]


async def test_a_401_with_the_gateways_words_opens_a_new_session_too():
    seen = []

    def script(asked):
        seen.append(asked)
        if len(seen) > 1:
            return all_done(asked)
        body = f"<response>{asked.control('failure')}{errormessage(error('XMLGW_JPP0002', 'Sign-in'))}</response>"
        return httpx.Response(401, text=body)

    gateway = ScriptedGateway(script)
    async with gateway.client() as client:
        assert await client.post(login(), calls()) == [Done("call-0", "500")]


async def test_a_session_refused_twice_is_an_error_of_signing_in():
    gateway = ScriptedGateway(refuse_session)
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert isinstance(answer, Refused)
    assert why(answer).kind is ErrorCategory.AUTH
    assert why(answer).code is Code.SAGE_SIGN_IN
    assert len(gateway.sign_ins) == len(gateway.requests) == 2


async def test_a_crowd_whose_session_is_refused_signs_in_once_more():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        await client.post(login(), calls())
        dead = f"{SESSION_ID}-1"
        gateway.script = lambda asked: (
            refuse_session(asked)
            if asked.root.findtext("operation/authentication/sessionid") == dead
            else all_done(asked)
        )
        answers = await asyncio.gather(*(client.post(login(), calls()) for _ in range(10)))
    assert all(answer == [Done("call-0", "500")] for answer in answers)
    assert len(gateway.sign_ins) == 2


async def test_a_wrong_password_is_tried_once_for_a_whole_crowd():
    gateway = ScriptedGateway(sign_in=lambda asked: asked.answer(errormessage(BAD_SIGN_IN), auth="failure"))
    async with gateway.client() as client:
        answers = await asyncio.gather(*(client.post(login(), calls()) for _ in range(10)))
        assert len(gateway.sign_ins) == 1
        await client.post(login(), calls())
        assert len(gateway.sign_ins) == 2  # a later caller asks anew: the password may be right by now
    assert all(why(answer).kind is ErrorCategory.AUTH for [answer] in answers)
    assert gateway.requests == []


async def test_a_sender_that_is_not_authorised_is_no_matter_of_the_session():
    words = "Invalid Web Services Authorization: the sender ID 'acme' is not authorized to make web service requests"
    gateway = ScriptedGateway(lambda asked: asked.answer(errormessage(error("XL03000006", words)), auth="failure"))
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert why(answer).kind is ErrorCategory.CONFIGURATION
    assert len(gateway.sign_ins) == 1


@pytest.mark.parametrize(
    "reply",
    [
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.Response(503, text="<html/>"),
        httpx.Response(524, text="<html/>"),
        "",
    ],
)
async def test_a_sign_in_that_breaks_off_means_that_nothing_was_sent(reply):
    gateway = ScriptedGateway(sign_in=lambda _: reply)
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert isinstance(answer, Refused)
    assert why(answer).kind is ErrorCategory.RETRY


async def test_a_wrong_address_is_a_matter_of_configuration():
    gateway = ScriptedGateway(sign_in=lambda _: httpx.Response(404, text="<html>not found</html>"))
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert why(answer).kind is ErrorCategory.CONFIGURATION


async def test_get_api_session_may_refuse_as_a_function():
    gateway = ScriptedGateway(
        sign_in=lambda asked: asked.answer(refused(asked.control_ids[0], error("Get API Session Failed")))
    )
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert why(answer).kind is ErrorCategory.AUTH


async def test_an_answer_without_a_session_id_opens_nothing():
    gateway = ScriptedGateway(sign_in=lambda asked: asked.signed_in("", ENDPOINT, None))
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert why(answer).kind is ErrorCategory.RETRY


async def test_nothing_is_posted_in_another_entity_than_the_login_names():
    gateway = ScriptedGateway(
        sign_in=lambda asked: asked.signed_in("s", ENDPOINT, None).replace("<locationid>100<", "<locationid>200<")
    )
    async with gateway.client() as client:
        [answer] = await client.post(login(entity="100"), calls())
    assert isinstance(answer, Refused)
    assert why(answer).kind is ErrorCategory.CONFIGURATION
    assert gateway.requests == []


async def test_a_cancelled_sign_in_leaves_the_next_one_free():
    started = asyncio.Event()
    gateway = ScriptedGateway()

    async def transport(request):
        if not started.is_set():
            started.set()
            await asyncio.sleep(60)
        return await gateway(request)

    client = gateway.client()
    client._transport._http = httpx.AsyncClient(transport=httpx.MockTransport(transport))
    async with client:
        first = asyncio.create_task(client.post(login(), calls()))
        await started.wait()
        second = asyncio.create_task(client.post(login(), calls()))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await second == [Done("call-0", "500")]


async def test_reads_raise_what_signing_in_raised():
    gateway = ScriptedGateway(sign_in=lambda asked: asked.answer(errormessage(BAD_SIGN_IN), auth="failure"))
    async with gateway.client() as client:
        with pytest.raises(errors.SignInError):
            await client.parties(login(), PartyKind.VENDOR)


OVER = error("", "Session has expired")
SAID_AT: dict[str, Script] = {
    "control": lambda asked: f"<response>{asked.control('failure')}{errormessage(OVER)}</response>",
    "authentication": lambda asked: asked.answer(errormessage(OVER), auth="failure"),
    "operation": lambda asked: asked.answer(errormessage(OVER)),
    "result": lambda asked: asked.answer("".join(refused(each, OVER) for each in asked.control_ids)),
}


def once(first: Script, then: Script = all_done) -> Script:
    seen: list[Asked] = []

    def script(asked: Asked) -> Reply:
        seen.append(asked)
        return first(asked) if len(seen) == 1 else then(asked)

    return script


@pytest.mark.parametrize("level", SAID_AT)
async def test_a_session_that_ended_is_opened_anew_and_the_request_repeated_at_whatever_level_it_is_said(level):
    gateway = ScriptedGateway(once(SAID_AT[level]))
    async with gateway.client() as client:
        assert await client.post(login(), calls(2)) == [Done("call-0", "500"), Done("call-1", "501")]
        assert await client.post(login(), calls(1)) == [Done("call-0", "500")]
    assert len(gateway.sign_ins) == 2
    assert [asked.control_ids for asked in gateway.requests[:2]] == [["call-0", "call-1"]] * 2


async def test_only_what_the_session_did_not_outlive_goes_again():
    gateway = ScriptedGateway(once(lambda asked: asked.answer(done("call-0", "7") + refused("call-1", OVER))))
    async with gateway.client() as client:
        assert await client.post(login(), calls(2)) == [Done("call-0", "7"), Done("call-1", "500")]
    assert [asked.control_ids for asked in gateway.requests] == [["call-0", "call-1"], ["call-1"]]


@pytest.mark.parametrize("level", SAID_AT)
async def test_a_read_goes_again_in_a_new_session(level):
    empty = '<result><status>success</status><controlid>{}</controlid><data numremaining="0"/></result>'
    gateway = ScriptedGateway(
        once(SAID_AT[level], lambda asked: asked.answer("".join(empty.format(each) for each in asked.control_ids)))
    )
    async with gateway.client() as client:
        assert await client.parties(login(), PartyKind.VENDOR) == []
    assert len(gateway.sign_ins) == 2


async def test_a_probe_that_meets_an_ended_session_opens_a_new_one():
    def opens(asked: Asked) -> str:
        return asked.signed_in(SESSION_ID, ENDPOINT, None)

    first = True

    def sign_in(asked: Asked) -> Reply:
        nonlocal first
        probing = asked.root.find("operation/authentication/sessionid") is not None
        if probing and first:
            first = False
            return SAID_AT["result"](asked)
        return opens(asked)

    gateway = ScriptedGateway(sign_in=sign_in)
    async with gateway.client() as client:
        await client.probe(login())
    assert [asked.root.find("operation/authentication/login") is not None for asked in gateway.asked] == [
        True,
        False,
        True,
        False,
    ]


async def test_sessions_that_end_within_every_read_say_nothing_of_the_credentials():
    gateway = ScriptedGateway(SAID_AT["result"])
    async with gateway.client() as client:
        with pytest.raises(errors.UnavailableError):
            await client.parties(login(), PartyKind.VENDOR)
    assert len(gateway.requests) == 2


async def test_an_ended_session_in_place_of_results_stays_unknown_where_a_new_one_is_no_better():
    gateway = ScriptedGateway(SAID_AT["operation"])
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert isinstance(answer, Unknown)
    assert len(gateway.requests) == 2


async def test_a_repeat_that_meets_the_running_call_is_looked_up_whatever_the_words_for_it():
    busy = error("NEW-1", "The control ID call-0 is taken")
    gateway = ScriptedGateway(once(SAID_AT["operation"], lambda asked: asked.answer(refused("call-0", busy))))
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls())
    assert isinstance(answer, Unknown)
    assert type(why(answer)) is errors.DuplicateCallError


@pytest.mark.parametrize(("resent", "kind"), [((), Refused), (("call-0",), Unknown)])
async def test_the_refusal_of_a_call_that_was_sent_before_is_unknown_where_it_names_the_control_id(resent, kind):
    busy = error("NEW-1", "The control ID call-0 is taken")
    gateway = ScriptedGateway(lambda asked: asked.answer(refused("call-0", busy)))
    async with gateway.client() as client:
        [answer] = await client.post(login(), calls(), resent=resent)
    assert isinstance(answer, kind)
