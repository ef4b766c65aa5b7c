"""The answer to each call, matched by control id and never by position. A call is done only if Sage names the record.

A status other than `success` means not done, also `aborted`. The outcome of a call without a result of its own is
unknown: a request can fail midway (web-services/error-handling), so silence proves nothing. The outcome of a call that
was sent before is unknown too, if its refusal names the control id: the refusal is about the earlier send, which may
still be running.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from domain.documents import Document
from sage_client._classify import classify
from sage_client._error_categories import Certainty, ExchangeLevel
from sage_client._error_table import names_the_call
from sage_client._reply import LONGEST_NUMBER, SUCCESS, Reply, Result
from sage_client.errors import DuplicateCallError, MissingResultError, SageError, SignInError

_RECORD_NO = re.compile(rf"[1-9][0-9]{{0,{LONGEST_NUMBER - 1}}}")


@dataclass(frozen=True, slots=True)
class Call:
    """A call to create a document for a customer or vendor, under a control id (`domain.idempotency.control_id`)."""

    control_id: str
    document: Document
    party_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """Answer: Sage booked the document and named the record, or carried out the correction of the record."""

    control_id: str
    record_no: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Answer: it is proven that this call booked nothing.

    `error.kind` says what to do. If `error.needs_look_up` is set, look the document up first.
    """

    control_id: str
    error: SageError


@dataclass(frozen=True, slots=True)
class Unknown:
    """Answer: it is not proven whether the call booked anything. Look the document up before anything else."""

    control_id: str
    error: SageError


Answer = Done | Refused | Unknown


EXECUTED_BEFORE = "executed before"


def in_a_word(answer: Answer) -> str:
    """The answer in one or two words, to count answers by: posted, executed before, refused or no answer."""
    if isinstance(answer, Done):
        return "posted"
    if isinstance(answer.error, DuplicateCallError):
        return EXECUTED_BEFORE
    return "refused" if isinstance(answer, Refused) else "no answer"


def failed(control_id: str, error: SageError) -> Answer:
    """Turn an error into an answer, without its traceback, whose frames would live as long as the answer."""
    error.__traceback__ = None
    return (Refused if error.certainty is Certainty.NOT_DONE else Unknown)(control_id, error)


def in_resend(answer: Answer, resent: Container[str]) -> Answer:
    """Turn the answer into `Unknown` if it refuses a call that was sent before, and names the call's control id.

    Args:
        answer: The answer to the call.
        resent: The control ids of calls that may have been sent before.
    """
    if not isinstance(answer, Refused) or answer.control_id not in resent:
        return answer
    error = answer.error
    if not names_the_call(error.errors, answer.control_id):
        return answer
    return failed(
        answer.control_id,
        DuplicateCallError(error.message, level=error.level, http_status=error.http_status, errors=error.errors),
    )


def session_ended(answer: Answer) -> bool:
    """Whether Sage refused this function because the session ended, on the level of its result."""
    return (
        isinstance(answer, Refused)
        and isinstance(answer.error, SignInError)
        and answer.error.level is ExchangeLevel.RESULT
    )


def match(control_ids: Sequence[str], reply: Reply, known: Mapping[str, str] | None = None) -> dict[str, Answer]:
    """Find the answer to each call among the results of a request.

    Args:
        control_ids: The control ids of the calls.
        reply: The answer to the request.
        known: Record numbers, by control id, of calls that change a record. Their success need not name the record; a
            delete, for example, does not.
    """
    results: dict[str, list[Result]] = {control_id: [] for control_id in control_ids}
    for result in reply.results:
        if result.control_id in results:
            results[result.control_id].append(result)
    known = known or {}
    return {control_id: _one(control_id, own, reply, known.get(control_id)) for control_id, own in results.items()}


def _one(control_id: str, own: list[Result], reply: Reply, known: str | None) -> Answer:
    if len(own) != 1:
        return failed(control_id, MissingResultError(f"{len(own)} results for one call", level=ExchangeLevel.RESULT))
    [result] = own
    if result.status == SUCCESS:
        record_no = known or _record_no(result)
        if record_no is None:
            return failed(control_id, MissingResultError("success without a record number", level=ExchangeLevel.RESULT))
        return Done(control_id, record_no)
    if result.status in {"failure", "aborted"}:
        siblings = (error for other in reply.results if other is not result for error in other.errors)
        aborted = result.status == "aborted"
        return failed(
            control_id, classify(ExchangeLevel.RESULT, None, result.errors, siblings=siblings, aborted=aborted)
        )
    return failed(
        control_id,
        MissingResultError(f"status {result.status[:50]!r} is none that Sage documents", level=ExchangeLevel.RESULT),
    )


def _record_no(result: Result) -> str | None:
    """Read the record number: `key` of a legacy create, `RECORDNO` of a generic one; None unless it is the only one."""
    named = {result.key, *(row.get("RECORDNO", "").strip() for row in result.rows)} - {""}
    number = named.pop() if len(named) == 1 else ""
    return number if _RECORD_NO.fullmatch(number) else None
