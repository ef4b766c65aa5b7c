"""Parsing of a gateway answer (Sage developer documentation, web-services/responses).

::

    response( control, ( operation+ | errormessage ) )
    operation( authentication, ( errormessage? | result* ) )
    result( status, function, controlid, key?, data?, errormessage? )

The bytes are not trusted until they are parsed: no entity is expanded and nothing is fetched. A document type
declaration is refused, because gateway answers never have one, while HTML pages do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from sage_client._error_categories import ExchangeLevel
from sage_client.errors import UnreadableAnswerError
from sage_client.gateway_error import GatewayError

SUCCESS = "success"
SageRow = dict[str, str]
"""One record: field name to text; an empty field is ""."""

LONGEST_NUMBER = 38
"""Most digits of a whole number: NUMBER(38) is the widest in Sage's schema."""
_PROLOG = 512
"""Bytes at the beginning of an answer that are searched for a document type declaration."""


@dataclass(frozen=True, slots=True)
class Result:
    """The `result` of one function. The fields of records are not in the repr, because one may be a session id."""

    control_id: str
    status: str
    key: str
    rows: tuple[SageRow, ...] = field(repr=False)
    remaining: int | None
    """`numremaining`: number of rows of the query after this page; None if the answer does not say."""
    errors: tuple[GatewayError, ...]
    data: etree._Element | None = field(default=None, repr=False, compare=False)
    """The `data` element itself, for the few answers that are not plain rows (`sage_client.discovery`)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. `failed` is the level that failed before any function could answer; None if none did."""

    control_id: str
    failed: ExchangeLevel | None
    errors: tuple[GatewayError, ...]
    session_timeout: datetime | None
    results: tuple[Result, ...]
    repeated: bool = False
    """Whether the request had been sent before, in a session that Sage then refused."""


def parse(body: bytes) -> Reply:
    """Parse an answer.

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
        return Reply(control_id, ExchangeLevel.CONTROL, errors, None, ())
    if _text(control, "status") != SUCCESS:
        return Reply(control_id, ExchangeLevel.CONTROL, tuple(_errors(root)) or tuple(_errors(operation)), None, ())
    who = operation.find("authentication")
    if who is None:
        raise _unreadable("its operation says nothing of authentication")
    errors = tuple(_errors(operation))
    if _text(who, "status") != SUCCESS:
        return Reply(control_id, ExchangeLevel.AUTHENTICATION, errors, None, ())
    results = tuple(_result(element) for element in operation.iterchildren("result"))
    failed = ExchangeLevel.OPERATION if errors and not results else None
    return Reply(control_id, failed, errors, _moment(_text(who, "sessiontimeout")), results)


def _root(body: bytes) -> etree._Element:
    if not body.strip():
        raise _unreadable("it is empty")
    if b"<!doctype" in body[:_PROLOG].lower():
        raise _unreadable("it has a document type declaration, as HTML pages have")
    # Each call has its own parser, because the callers of a shared one would wait for its lock.
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
    rows: tuple[SageRow, ...] = ()
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
    """Parse a whole number of at most `LONGEST_NUMBER` digits; None if the text is not one."""
    return int(text) if len(text) <= LONGEST_NUMBER and text.isascii() and text.isdecimal() else None


def _moment(text: str) -> datetime | None:
    """Parse the end of a session; None if it has no UTC offset, because this machine's time zone must not matter."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.utcoffset() is not None else None


def _unreadable(why: str) -> UnreadableAnswerError:
    return UnreadableAnswerError(f"the answer proves nothing: {why}", level=ExchangeLevel.HTTP)
