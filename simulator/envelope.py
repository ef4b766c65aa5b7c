"""Parsing of the request envelope, strictly in the element order of the schema.

Source: Sage developer documentation, web-services/requests; official schema v3.0/api.xsd. `uniqueid` defaults to
true, as documented, although Sage's own clients send false. A request that does not fit the schema is refused at the
control level.
"""

from dataclasses import dataclass
from itertools import pairwise

from lxml import etree
from lxml.etree import _Element as Element

from simulator.errors import schema_error

_CONTROL = (
    "senderid",
    "password",
    "controlid",
    "uniqueid",
    "dtdversion",
    "policyid",
    "debug",
    "includewhitespace",
    "showadditionalerrorinfo",
)
_LOGIN = ("userid", "companyid", "password", "clientid", "locationid")
_MAX_CONTROL_ID = 256


@dataclass(frozen=True, slots=True)
class Login:
    """Sign-in by user and password, at the top level or at one entity."""

    user_id: str
    company_id: str
    password: str
    entity_id: str


@dataclass(frozen=True, slots=True)
class Function:
    """One function of an operation, with the control id by which its result is matched."""

    control_id: str
    name: str
    element: Element


@dataclass(frozen=True, slots=True)
class Operation:
    """Functions under one sign-in. If `transaction` is true, all of them succeed or none has an effect."""

    transaction: bool
    sign_in: Login | str
    functions: tuple[Function, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """The content of one POST to the gateway."""

    sender_id: str
    sender_password: str
    control_id: str
    unique_id: bool
    dtd_version: str
    additional_info: bool
    operations: tuple[Operation, ...]

    @property
    def functions(self) -> tuple[Function, ...]:
        """The functions of all operations, in order."""
        return tuple(function for operation in self.operations for function in operation.functions)


def parse(body: bytes) -> Request:
    """Parse a request; raises ControlError if it does not fit the schema."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise schema_error(f"Fatal Error 76 {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise schema_error("a document type declaration is not expected")
    if root.tag != "request" or len(root) < len(("control", "operation")) or root[0].tag != "control":
        raise schema_error("Element 'request': expected are control and operation, in this order")
    control = root[0]
    expect_order(control, [_CONTROL])
    for required in ("senderid", "controlid"):
        if not text(control, required):
            raise schema_error(f"Element 'control': the element {required} is required")
    if len(text(control, "controlid")) > _MAX_CONTROL_ID:
        raise schema_error("Element 'controlid': the value is longer than 256")
    return Request(
        sender_id=text(control, "senderid"),
        sender_password=text(control, "password"),
        control_id=text(control, "controlid"),
        unique_id=text(control, "uniqueid").lower() != "false",
        dtd_version=text(control, "dtdversion"),
        additional_info=text(control, "showadditionalerrorinfo").lower() == "true",
        operations=tuple(_operation(element) for element in root.iterchildren() if element is not control),
    )


def _operation(element: Element) -> Operation:
    if element.tag != "operation" or [child.tag for child in element] != ["authentication", "content"]:
        raise schema_error("Element 'operation': expected are authentication and content, in this order")
    authentication, content = element
    if len(authentication) != 1:
        raise schema_error("Element 'authentication': expected is one of login, sessionid")
    functions = tuple(_function(child) for child in content)
    if not functions:
        raise schema_error("Element 'content': expected is function")
    if len(functions) > 1 and any(function.name == "getAPISession" for function in functions):
        raise schema_error("Element 'content': getAPISession must be the only function of a request")
    transaction = (element.get("transaction") or "false").lower() == "true"
    return Operation(transaction, _sign_in(authentication[0]), functions)


def _sign_in(element: Element) -> Login | str:
    if element.tag == "sessionid":
        return (element.text or "").strip()
    if element.tag != "login":
        raise schema_error(f"Element '{element.tag}': expected is one of login, sessionid")
    expect_order(element, [_LOGIN])
    return Login(*(text(element, tag) for tag in ("userid", "companyid", "password", "locationid")))


def _function(element: Element) -> Function:
    control_id = element.get("controlid") or ""
    if element.tag != "function" or not control_id or len(control_id) > _MAX_CONTROL_ID:
        raise schema_error("Element 'function': the attribute controlid of 1 to 256 characters is required")
    if len(element) != 1:
        raise schema_error("Element 'function': exactly one function is expected")
    return Function(control_id, str(element[0].tag), element[0])


def expect_order(element: Element, orders: list[tuple[str, ...]]) -> None:
    """Check that the children follow one of the permitted orders, none of them unknown or repeated.

    Raises:
        ControlError: They fit none of the orders.
    """
    tags = [str(child.tag) for child in element]
    for order in orders:
        rank = {tag: position for position, tag in enumerate(order)}
        ranks = [rank.get(tag, -1) for tag in tags]
        if -1 not in ranks and all(before < after for before, after in pairwise(ranks)):
            return
    known = {tag for order in orders for tag in order}
    wrong = next((tag for tag in tags if tag not in known), None) or ", ".join(tags)
    raise schema_error(f"Element '{element.tag}': This element is not expected: {wrong}. Expected order: {orders[0]}")


def text(element: Element, tag: str) -> str:
    """The trimmed text of a child element; "" if there is none."""
    return (element.findtext(tag) or "").strip()


def children(element: Element, tag: str) -> list[Element]:
    """The children of a child element; an empty list if there is no such child."""
    found = element.find(tag)
    return [] if found is None else list(found)
