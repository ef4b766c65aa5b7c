"""The response envelope: three status levels, and the results in the order of the functions.

Source: Sage developer documentation, web-services/responses; official schema (DTD 2.1) and the fixtures of Sage's own
clients. An `errormessage` is a sibling of the authentication block, never a child of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree
from lxml.etree import SubElement
from lxml.etree import _Element as Element

from simulator.envelope import Request
from simulator.errors import SageError

CONTENT_TYPE = 'text/xml; encoding="UTF-8"'


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The authentication block of a response."""

    user_id: str
    company_id: str
    entity_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one function. Legacy functions answer with `key`, generic ones with `data`."""

    function: str
    control_id: str
    status: str
    key: str | None = None
    data: Element | None = None
    errors: tuple[SageError, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one operation: its sign-in, and either its results or the error of a refused sign-in."""

    signed_in: SignedIn
    results: tuple[Result, ...] = ()
    refusal: SageError | None = field(default=None)


def render(request: Request, answers: Sequence[Answer]) -> bytes:
    """Render the complete response to a request that passed the control level."""
    root = etree.Element("response")
    _control(root, request, "success")
    for answer in answers:
        operation = SubElement(root, "operation")
        _authentication(operation, answer.signed_in, failed=answer.refusal is not None)
        if answer.refusal:
            _errors(operation, [answer.refusal], additional_info=request.additional_info)
        for result in answer.results:
            _result(operation, result, additional_info=request.additional_info)
    return _serialise(root)


def render_refusal(error: SageError, request: Request | None = None) -> bytes:
    """Render a refusal at the control level.

    Args:
        error: The reason.
        request: The request; None if it could not be read, so that the control block has only the status.
    """
    root = etree.Element("response")
    _control(root, request, "failure")
    _errors(root, [error], additional_info=bool(request and request.additional_info))
    return _serialise(root)


def _control(root: Element, request: Request | None, status: str) -> None:
    control = SubElement(root, "control")
    _text(control, "status", status)
    if request:
        _text(control, "senderid", request.sender_id)
        _text(control, "controlid", request.control_id)
        _text(control, "uniqueid", "true" if request.unique_id else "false")
        _text(control, "dtdversion", request.dtd_version)


def _authentication(operation: Element, signed_in: SignedIn, *, failed: bool) -> None:
    block = SubElement(operation, "authentication")
    _text(block, "status", "failure" if failed else "success")
    _text(block, "userid", signed_in.user_id)
    _text(block, "companyid", signed_in.company_id)
    _text(block, "locationid", signed_in.entity_id)
    if signed_in.since and signed_in.until:
        _text(block, "sessiontimestamp", signed_in.since.isoformat(timespec="seconds"))
        _text(block, "sessiontimeout", signed_in.until.isoformat(timespec="seconds"))


def _result(operation: Element, result: Result, *, additional_info: bool) -> None:
    block = SubElement(operation, "result")
    _text(block, "status", result.status)
    _text(block, "function", result.function)
    _text(block, "controlid", result.control_id)
    if result.key is not None:
        _text(block, "key", result.key)
    if result.data is not None:
        block.append(result.data)
    if result.errors:
        _errors(block, result.errors, additional_info=additional_info)


def _errors(parent: Element, errors: Sequence[SageError], *, additional_info: bool) -> None:
    message = SubElement(parent, "errormessage")
    for error in errors:
        block = SubElement(message, "error")
        _text(block, "errorno", error.number)
        _text(block, "description", error.description)
        support = f" [Support ID: {error.support_id}]" if error.support_id else ""
        _text(block, "description2", f"{error.text}{support}")
        _text(block, "correction", error.correction)
        if additional_info:
            info = SubElement(block, "additionalinfo")
            _text(info, "errorid", error.error_id)
            _text(info, "category", error.category)


def _text(parent: Element, tag: str, value: str) -> None:
    SubElement(parent, tag).text = value or None


def _serialise(root: Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
