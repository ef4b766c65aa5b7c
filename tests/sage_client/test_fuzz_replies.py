"""Whatever a gateway answers: an answer or an error of ours, at once; nothing that it names is fetched or expanded."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from pydantic import SecretStr

from domain.documents import PartyKind, SageObject
from sage_client._classify import classify
from sage_client._error_categories import ExchangeLevel
from sage_client._paging import _result, advanced
from sage_client._reply import Reply, parse
from sage_client._session import opened
from sage_client._transport import _read, retry_after
from sage_client.answers import Done, Refused, Unknown, match
from sage_client.errors import SageError, UnreadableAnswerError
from sage_client.login import Login
from sage_client.lookups import found
from sage_client.parties import NAMES_ONLY, party

NOW = datetime(2026, 6, 10, tzinfo=UTC)
ANSWER = b"""<?xml version="1.0" encoding="UTF-8"?>
<response><control><status>success</status><senderid>s</senderid><controlid>q0</controlid></control>
<operation><authentication><status>success</status><sessiontimeout>2026-06-10T18:00:00+00:00</sessiontimeout>
</authentication>
<result><status>success</status><function>create</function><controlid>a</controlid>
<data listtype="objects" count="1" numremaining="0"><apbill><RECORDNO>17</RECORDNO><RECORDID>1</RECORDID>
<TOTALENTERED>10.00</TOTALENTERED><VENDORID>V</VENDORID></apbill></data></result>
<result><status>failure</status><function>create</function><controlid>b</controlid><errormessage><error>
<errorno>BL01001973</errorno><description/><description2>No [Support ID: x%20y]</description2><correction/></error>
</errormessage></result></operation></response>"""
TEXTS = st.sampled_from(
    ["", " ", "0", "9" * 5_000, "-1", "\u0663", "NaN", "1e999999999999999999", "0001-01-01T00:00:00-23:59",
     "9999-12-31T23:59:59+00:00", "success", "failure", "aborted", "&lt;", "<a/>", "<error/>", "x" * 5_000]
)  # fmt: skip
TAGS = ["status", "controlid", "key", "data", "result", "errormessage", "error", "errorno", "RECORDNO", "operation"]


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """The answer above with elements dropped, doubled, renamed or refilled, or with broken bytes."""
    root = etree.fromstring(ANSWER)
    for _ in range(draw(st.integers(0, 5))):
        element = draw(st.sampled_from(list(root.iter())))
        parent = element.getparent()
        match draw(st.sampled_from(["text", "drop", "double", "rename", "remaining"])):
            case "text":
                element.text = draw(TEXTS)
            case "drop" if parent is not None:
                parent.remove(element)
            case "double" if parent is not None:
                parent.append(etree.fromstring(etree.tostring(element)))
            case "rename":
                element.tag = draw(st.sampled_from(TAGS))
            case _:
                element.set("numremaining", draw(TEXTS))
    encoding = draw(st.sampled_from(["UTF-8", "UTF-16", "ISO-8859-1", "ASCII"]))
    body = etree.tostring(root, encoding="unicode").encode(encoding, "xmlcharrefreplace")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(body)))
        body = draw(st.sampled_from([body[:at], body[:at] + b"\xff<" + body[at:], body[at:], body + body]))
    return body


def everything(body: bytes, status: int = 200) -> Reply | None:
    """All that is done with an answer; only our own errors may come of it."""
    try:
        reply = _read(body, status, None)
    except SageError:
        return None
    told = match(["a", "b", "c"], reply)
    assert all(isinstance(one, Done | Refused | Unknown) for one in told.values())
    assert isinstance(told["c"], Unknown) or any(result.control_id == "c" for result in reply.results)
    for result in reply.results:
        str(classify(reply.failed or ExchangeLevel.RESULT, status, result.errors))
        for row in result.rows:
            for look in (
                lambda row=row: found(SageObject.AP_BILL, row),
                lambda row=row: party(PartyKind.VENDOR, NAMES_ONLY, row),
            ):
                with suppress(SageError):
                    look()
    for step in (
        lambda: advanced([row.get("RECORDNO", "") for row in _result(reply, "a").rows], None),
        lambda: opened(reply, LOGIN, "https://gateway.example/").fresh(NOW),
    ):
        with suppress(SageError):
            step()
    return reply


LOGIN = Login("C", "user", SecretStr("p"), None)


@given(answers(), st.sampled_from([200, 302, 400, 401, 429, 500, 503, 524]))
def test_a_broken_answer_is_an_answer_or_an_error_of_ours(body: bytes, status: int):
    everything(body, status)


@given(st.binary(max_size=300), st.sampled_from([200, 500]))
@example(b"<html><body>Bad gateway</body></html>", 502)
@example(b"\x1f\x8b\x08", 200)
def test_any_bytes_are_an_answer_or_an_error_of_ours(body: bytes, status: int):
    everything(body, status)


LAUGHS = b'<!DOCTYPE r [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(20)
) + b"]>"  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS + b"<response><control>&u;</control></response>",
        b" " * 600 + LAUGHS + b"<response><control>&u;</control></response>",
        LAUGHS + b'<response a="&u;"/>',
        LAUGHS.decode().encode("utf-16"),
        b"<response>" + b"<a>" * 100_000,
        b"<response>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</response>",
        b"<response " + b" ".join(b'a%d="1"' % n for n in range(50_000)) + b"/>",
        b'<?xml version="1.0" encoding="no-such"?><response/>',
        b'<?xml version="1.0" encoding="UTF-7"?><response/>',
        "<response/>".encode("utf-32"),
        ANSWER[: len(ANSWER) // 2],
        b"<!DOCTYPE html><html></html>",
        b"<response>&#0;</response>",
        b"<response>\x00</response>",
    ],
    ids=range(14),
)
def test_an_answer_made_to_hurt_proves_nothing_and_costs_nothing(body: bytes):
    started = time.perf_counter()
    with pytest.raises(UnreadableAnswerError):
        parse(body)
    assert time.perf_counter() - started < 2


def test_no_file_that_an_answer_names_is_read(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("<status>hunter2</status>")
    dtd = tmp_path / "evil.dtd"
    dtd.write_text(f'<!ENTITY s SYSTEM "{secret}">')
    for head in (
        f'<!DOCTYPE r [<!ENTITY s SYSTEM "file://{secret}">]>',
        f'<!DOCTYPE r SYSTEM "file://{dtd}">',
        f'<!DOCTYPE r [<!ENTITY % d SYSTEM "file://{dtd}"> %d;]>',
    ):
        with pytest.raises(UnreadableAnswerError) as caught:
            parse(f"{head}<response><control>&s;</control></response>".encode())
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("words", [" " * 4_000_000, "[Support ID:" * 300_000, "x" * 9_000_000], ids=range(3))
def test_sages_words_are_kept_short_and_read_at_once(words: str):
    body = ANSWER.replace(b"No [Support ID: x%20y]", words.encode())
    started = time.perf_counter()
    reply = everything(body)
    assert time.perf_counter() - started < 3
    assert reply is None or all(len(str(error)) < 9_000 for one in reply.results for error in one.errors)


@given(st.text(max_size=60) | st.sampled_from(["9" * 5_000, "Mon, 01 Jan 99999999999 00:00:00 GMT", "-1", "1e5"]))
@example("Mon, 01 Jan 0001 00:00:00 +9999")
@example("Mon, 01 Jan 2026 00:00:00 +" + "9" * 30)
@example("Fri, 31 Dec 9999 23:59:59 -2359")
def test_any_retry_after_is_seconds_within_bounds_or_nothing(header: str):
    seconds = retry_after(header, NOW)
    assert seconds is None or 0 <= seconds <= 120
