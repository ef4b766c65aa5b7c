"""Done, refused, unknown: what each call is answered, and that nothing is done by guess (promises 2 and 3)."""

import random

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.codes import Code
from sage_client import Answer, Call, Certainty, Done, ErrorCategory, Refused, Unknown, errors
from tests.support.rendered_xml import at
from tests.support.sage_calls import calls, document, why
from tests.support.scripted_gateway import (
    Asked,
    Script,
    ScriptedGateway,
    all_done,
    done,
    error,
    errormessage,
    login,
    refused,
)


async def post(script: Script, count: int = 1) -> list[Answer]:
    gateway = ScriptedGateway(script)
    async with gateway.client() as client:
        return await client.post(login(), calls(count))


async def only(script: Script) -> Answer:
    [answer] = await post(script)
    return answer


async def test_every_call_of_a_request_is_answered_in_its_order():
    assert await post(all_done, 3) == [Done("call-0", "500"), Done("call-1", "501"), Done("call-2", "502")]


async def test_writes_are_sent_with_uniqueid_and_independent_of_each_other():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        await client.post(login(), calls(2))
    [asked] = gateway.requests
    assert asked.root.findtext("control/uniqueid") == "true"
    assert at(asked.root, "operation").get("transaction") == "false"
    assert asked.control_ids == ["call-0", "call-1"]
    assert asked.headers["content-type"] == "application/xml"


@given(st.data())
async def test_answers_are_matched_by_control_id_whatever_the_order_and_whatever_is_missing(data):
    ids = [f"call-{n}" for n in range(5)]
    answered = data.draw(st.permutations(ids).flatmap(lambda order: st.sampled_from([order[:n] for n in range(6)])))
    answers = await post(lambda asked: asked.answer("".join(done(i, "9" + i[-1]) for i in answered)), 5)
    for control_id, answer in zip(ids, answers, strict=True):
        if control_id in answered:
            assert answer == Done(control_id, "9" + control_id[-1])
        else:
            assert isinstance(answer, Unknown)
            assert isinstance(answer.error, errors.MissingResultError)


async def test_a_result_for_a_call_that_was_not_sent_is_nobodys():
    answer = await only(lambda asked: asked.answer(done("call-7")))
    assert isinstance(answer, Unknown)


async def test_two_results_for_one_call_prove_nothing():
    answer = await only(lambda asked: asked.answer(done("call-0", "1") + refused("call-0", error("BL01001973", "no"))))
    assert isinstance(answer, Unknown)


@pytest.mark.parametrize("key", ["", " ", "0", "abc", "-4", "5.1"])
async def test_success_without_a_record_number_is_unknown(key):
    answer = await only(lambda asked: asked.answer(done("call-0", key)))
    assert isinstance(answer, Unknown)


async def test_a_generic_create_names_its_record_in_data():
    answer = await only(
        lambda asked: asked.answer(
            "<result><status>success</status><function>create</function><controlid>call-0</controlid>"
            '<data listtype="objects" count="1"><apbill><RECORDNO>77</RECORDNO></apbill></data></result>'
        )
    )
    assert answer == Done("call-0", "77")


async def test_success_that_names_two_records_is_unknown():
    answer = await only(
        lambda asked: asked.answer(
            "<result><status>success</status><function>create</function><controlid>call-0</controlid>"
            "<data><apbill><RECORDNO>77</RECORDNO></apbill><apbill><RECORDNO>78</RECORDNO></apbill></data></result>"
        )
    )
    assert isinstance(answer, Unknown)


async def test_a_failure_without_a_word_is_refused():
    answer = await only(lambda asked: asked.answer(refused("call-0")))
    assert isinstance(answer, Refused)
    assert answer.error.code is Code.SAGE_REFUSED


async def test_an_aborted_call_is_not_done_and_inherits_why():
    answers = await post(
        lambda asked: asked.answer(
            refused("call-0", error("BL03000018", "The period is closed"), error("XL03000009", "rolled back"))
            + refused("call-1", error("XL03000009", "The entire transaction has been rolled back"), status="aborted")
        ),
        2,
    )
    assert all(isinstance(answer, Refused) and answer.error.code is Code.SAGE_PERIOD_CLOSED for answer in answers)


async def test_an_aborted_call_alone_may_be_sent_again():
    answer = await only(lambda asked: asked.answer(refused("call-0", error("XL03000009", "undone"), status="aborted")))
    assert isinstance(answer, Refused)
    assert answer.error.kind is ErrorCategory.RETRY


@pytest.mark.parametrize("status", ["", "pending", "SUCCESS!"])
async def test_a_status_that_sage_does_not_document_is_unknown(status):
    answer = await only(lambda asked: asked.answer(refused("call-0", status=status)))
    assert isinstance(answer, Unknown)


async def test_an_answer_to_another_request_is_unknown():
    answer = await only(lambda asked: all_done_for("somebody-else", asked))
    assert isinstance(answer, Unknown)
    assert isinstance(answer.error, errors.UnreadableAnswerError)


def all_done_for(request_id: str, asked: Asked) -> str:
    return all_done(asked).replace(asked.request_id, request_id)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   ",
        "<html><body>cf-error-details</body></html>",
        "<!DOCTYPE html><html></html>",
        "<response><control><status>success</status>",
        "<response/>",
        "<other/>",
        "not xml",
    ],
)
async def test_an_answer_that_is_not_the_gateways_is_unknown(reply):
    answer = await only(lambda _: reply)
    assert isinstance(answer, Unknown)
    assert answer.error.code is Code.OUTCOME_UNKNOWN


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 408, 413, 498, 500, 502, 503, 504, 520, 524])
async def test_a_status_line_without_gateway_xml_proves_nothing(status):
    answer = await only(lambda _: httpx.Response(status, text="<html>no</html>"))
    assert isinstance(answer, Unknown)


async def test_429_is_not_done_whoever_says_it():
    answer = await only(lambda _: httpx.Response(429, text="slow down", headers={"Retry-After": "7"}))
    assert isinstance(answer, Refused)
    assert isinstance(answer.error, errors.ThrottledError)
    assert answer.error.retry_after == 7


async def test_a_500_that_carries_a_control_failure_proves_that_nothing_ran():
    answer = await only(
        lambda asked: httpx.Response(
            500, text=f"<response>{asked.control('failure')}{errormessage(error('GW-0001', 'x'))}</response>"
        )
    )
    assert isinstance(answer, Refused)
    assert answer.error.kind is ErrorCategory.RETRY


async def test_errors_in_place_of_results_are_unknown_unless_the_table_knows_them():
    strange = await only(lambda asked: asked.answer(errormessage(error("ZZ9", "odd"))))
    assert isinstance(strange, Unknown)
    known = await only(lambda asked: asked.answer(errormessage(error("", "API rate limit exceeded"))))
    assert isinstance(known, Refused)
    assert known.error.kind is ErrorCategory.THROTTLED


async def test_a_call_refused_whole_is_refused_for_every_call():
    answers = await post(
        lambda asked: f"<response>{asked.control('failure')}{errormessage(error('XL03000003', 'schema'))}</response>",
        3,
    )
    assert [why(answer).code for answer in answers] == [Code.SAGE_REQUEST_INVALID] * 3
    assert all(why(answer).certainty is Certainty.NOT_DONE for answer in answers)


async def test_a_gateway_refusal_may_name_no_control_id():
    answer = await only(
        lambda _: (
            "<response><control><status>failure</status></control>"
            + errormessage(error("XL03000006", "Incorrect Intacct XML Partner ID or password."))
            + "</response>"
        )
    )
    assert isinstance(answer, Refused)
    assert answer.error.kind is ErrorCategory.CONFIGURATION


async def test_one_document_that_cannot_be_written_does_not_hold_up_the_others():
    gateway = ScriptedGateway()
    bad = Call("bad", document(number="N" * 46), "C-1")
    async with gateway.client() as client:
        answers = await client.post(login(), [bad, *calls(1)])
    assert isinstance(answers[0], Refused)
    assert answers[0].error.kind is ErrorCategory.BUG
    assert answers[1] == Done("call-0", "500")
    assert gateway.requests[0].control_ids == ["call-0"]


async def test_nothing_is_sent_when_nothing_can_be_written():
    gateway = ScriptedGateway()
    async with gateway.client() as client:
        [answer] = await client.post(login(), [Call("bad", document(total="1.00"), "C-1")])
        assert await client.post(login(), []) == []
    assert isinstance(answer, Refused)
    assert gateway.asked == []


async def test_calls_that_share_a_control_id_are_our_own_mistake():
    async with ScriptedGateway().client() as client:
        with pytest.raises(ValueError, match="share a control id"):
            await client.post(login(), calls(1) * 2)


async def test_results_of_many_calls_come_back_shuffled_and_mixed():
    shuffled = random.Random(4)

    def script(asked):
        each = [
            done(i, i[-1] + "1") if n % 2 else refused(i, error("BL1", "no")) for n, i in enumerate(asked.control_ids)
        ]
        shuffled.shuffle(each)
        return asked.answer("".join(each))

    answers = await post(script, 8)
    assert [type(answer) for answer in answers] == [Refused, Done] * 4
    assert [answer.control_id for answer in answers] == [f"call-{n}" for n in range(8)]
