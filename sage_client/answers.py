"""What became of each call: matched by control id, never by position; done only where Sage names the record.

A status other than `success` is not done, `aborted` included. A call without a result of its own is unknown: a request
can fail midway (web-services/error-handling), so silence proves nothing. A call that was sent before is unknown, too,
where its refusal names the control id: the refusal is about the earlier send, which may be running still.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from domain.documents import Document
from sage_client._classify import classify
from sage_client._kinds import Certainty, Level
from sage_client._reply import LONGEST_NUMBER, SUCCESS, Reply, Result
from sage_client._rules import names_the_call
from sage_client.errors import DuplicateCallError, MissingResultError, SageError, SignInError

_RECORD_NO = re.compile(rf"[1-9][0-9]{{0,{LONGEST_NUMBER - 1}}}")


@dataclass(frozen=True, slots=True)
class Call:
    """Create this document, for this customer or vendor, under this control id (`domain.identity.control_id`)."""

    control_id: str
    document: Document
    party_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """Sage booked it and named the record, or did to the record what a correction asked for."""

    control_id: str
    record_no: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Proven: this call booked nothing. `error.kind` says what to do; look up first where `error.needs_look_up`."""

    control_id: str
    error: SageError


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not proven either way. Look up before anything else."""

    control_id: str
    error: SageError


Answer = Done | Refused | Unknown


def failed(control_id: str, error: SageError) -> Answer:
    """An error as an answer; without its traceback, whose frames would live as long as the answer."""
    error.__traceback__ = None
    return (Refused if error.certainty is Certainty.NOT_DONE else Unknown)(control_id, error)


def in_resend(answer: Answer, resent: Container[str]) -> Answer:
    """The answer, or `Unknown` where it refuses a call that was sent before with words about its control id."""
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
    """Whether this function alone was refused because the session ended."""
    return isinstance(answer, Refused) and isinstance(answer.error, SignInError) and answer.error.level is Level.RESULT


def match(control_ids: Sequence[str], reply: Reply, known: Mapping[str, str] | None = None) -> dict[str, Answer]:
    """Each call's answer, from the results of the request they were sent in.

    `known`: by control id the record number of a call that changes a record; its success need not name one, as a
    delete's does not.
    """
    results: dict[str, list[Result]] = {control_id: [] for control_id in control_ids}
    for result in reply.results:
        if result.control_id in results:
            results[result.control_id].append(result)
    known = known or {}
    return {control_id: _one(control_id, own, reply, known.get(control_id)) for control_id, own in results.items()}


def _one(control_id: str, own: list[Result], reply: Reply, known: str | None) -> Answer:
    if len(own) != 1:
        return failed(control_id, MissingResultError(f"{len(own)} results for one call", level=Level.RESULT))
    [result] = own
    if result.status == SUCCESS:
        record_no = known or _record_no(result)
        if record_no is None:
            return failed(control_id, MissingResultError("success without a record number", level=Level.RESULT))
        return Done(control_id, record_no)
    if result.status in {"failure", "aborted"}:
        siblings = (error for other in reply.results if other is not result for error in other.errors)
        aborted = result.status == "aborted"
        return failed(control_id, classify(Level.RESULT, None, result.errors, siblings=siblings, aborted=aborted))
    return failed(
        control_id, MissingResultError(f"status {result.status[:50]!r} is none that Sage documents", level=Level.RESULT)
    )


def _record_no(result: Result) -> str | None:
    """`key` of a legacy create, `RECORDNO` of a generic one; None unless there is exactly one."""
    named = {result.key, *(row.get("RECORDNO", "").strip() for row in result.rows)} - {""}
    number = named.pop() if len(named) == 1 else ""
    return number if _RECORD_NO.fullmatch(number) else None
