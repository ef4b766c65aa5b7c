"""A gateway answer as values (Sage developer documentation, web-services/responses).

::

    response( control, ( operation+ | errormessage ) )
    operation( authentication, ( errormessage? | result* ) )
    result( status, function, controlid, key?, data?, errormessage? )

The bytes are a stranger's until they are read: no entity is expanded, nothing is fetched, and a document type
declaration, which no gateway answer has and every HTML page does, is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from sage_client._kinds import Level
from sage_client.errors import UnreadableAnswerError
from sage_client.gateway_error import GatewayError

SUCCESS = "success"
Row = dict[str, str]
"""One record: field name to text, an empty field as ""."""

LONGEST_NUMBER = 38
"""Digits: NUMBER(38) is the widest whole number of Sage's schema."""
_PROLOG = 512
"""Bytes in which a document type declaration would stand, if there were one."""


@dataclass(frozen=True, slots=True)
class Result:
    """One function's `result`. A record's fields are kept out of the repr: one of them may be a session id."""

    control_id: str
    status: str
    key: str
    rows: tuple[Row, ...] = field(repr=False)
    remaining: int | None
    """`numremaining`: rows of a query that are not on this page."""
    errors: tuple[GatewayError, ...]
    data: etree._Element | None = field(default=None, repr=False, compare=False)
    """The `data` element itself, for the few answers that are deeper than rows (`sage_client.discovery`)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; `failed` is the level that failed before any function could answer, if one did."""

    control_id: str
    failed: Level | None
    errors: tuple[GatewayError, ...]
    session_timeout: datetime | None
    results: tuple[Result, ...]
    repeated: bool = False
    """Whether the request was sent before, in a session that Sage then refused."""


def parse(body: bytes) -> Reply:
    """Read an answer.

    Raises:
        UnreadableAnswerError: The bytes are not a gateway answer; the message says why.
    """
    root = _root(body)
    control = root.find("control")
    operation = root.find("operation")
    control_id = _text(control, "controlid")
    if operation is None:
        errors = tuple(_errors(root))
        if not errors and _text(control, "status") in {"", SUCCESS}:
            raise _unreadable("it holds neither an operation nor an error")
        return Reply(control_id, Level.CONTROL, errors, None, ())
    if _text(control, "status") != SUCCESS:
        return Reply(control_id, Level.CONTROL, tuple(_errors(root)) or tuple(_errors(operation)), None, ())
    who = operation.find("authentication")
    if who is None:
        raise _unreadable("its operation says nothing of authentication")
    errors = tuple(_errors(operation))
    if _text(who, "status") != SUCCESS:
        return Reply(control_id, Level.AUTHENTICATION, errors, None, ())
    results = tuple(_result(element) for element in operation.iterchildren("result"))
    failed = Level.OPERATION if errors and not results else None
    return Reply(control_id, failed, errors, _moment(_text(who, "sessiontimeout")), results)


def _root(body: bytes) -> etree._Element:
    if not body.strip():
        raise _unreadable("it is empty")
    if b"<!doctype" in body[:_PROLOG].lower():
        raise _unreadable("it has a document type declaration, as HTML pages have")
    # A parser each time: one that is shared would queue its callers behind a lock.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, SyntaxError, ValueError, LookupError):
        raise _unreadable("it is not well-formed XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _unreadable("it has a document type declaration")
    if root.tag != "response":
        raise _unreadable("it is not a gateway response")
    return root


def _result(element: etree._Element) -> Result:
    parts = {str(part.tag): part for part in element}
    texts = {tag: (part.text or "").strip() for tag, part in parts.items()}
    data = parts.get("data")
    rows: tuple[Row, ...] = ()
    remaining = None
    if data is not None:
        rows = tuple({str(cell.tag): cell.text or "" for cell in record} for record in data)
        remaining = whole_number(str(data.get("numremaining", "")))
    return Result(
        control_id=texts.get("controlid", ""),
        status=texts.get("status", ""),
        key=texts.get("key", ""),
        rows=rows,
        remaining=remaining,
        errors=tuple(_errors(element)) if "errormessage" in parts else (),
        data=data,
    )


def _errors(parent: etree._Element) -> Iterator[GatewayError]:
    for error in parent.iterfind("errormessage/error"):
        yield GatewayError.of(
            _text(error, "errorno"),
            _text(error, "description"),
            _text(error, "description2"),
            _text(error, "correction"),
            _text(error, "additionalinfo/errorid"),
            _text(error, "additionalinfo/category"),
        )


def _text(parent: etree._Element | None, path: str) -> str:
    return "" if parent is None else (parent.findtext(path) or "").strip()


def whole_number(text: str) -> int | None:
    """A whole number of Sage's, none of which has more digits than a record number; else None."""
    return int(text) if len(text) <= LONGEST_NUMBER and text.isascii() and text.isdecimal() else None


def _moment(text: str) -> datetime | None:
    """A session stamp; None where it has no offset, because a moment must not depend on this machine's time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.utcoffset() is not None else None


def _unreadable(why: str) -> UnreadableAnswerError:
    return UnreadableAnswerError(f"the answer proves nothing: {why}", level=Level.HTTP)
