"""The generic form of an AP bill: `<create><APBILL>` and `<update><APBILL>`.

Source: Sage developer documentation, api/accounts-payable/bills. VENDORID, WHENCREATED and WHENDUE are required
unless the bill is a draft. An update with lines must contain all lines: a line with LINE_NO changes that line, a line
without LINE_NO is added, and a line left out is deleted. Custom fields and user-defined dimensions are separate
elements; a `customfields` block within a line, seen in one integration, is accepted too.
"""

from dataclasses import replace

from lxml.etree import _Element as Element

from simulator.call import Call
from simulator.envelope import children, text
from simulator.errors import INVALID, FunctionError, could_not, refuse
from simulator.fields import iso_date
from simulator.functions import documents
from simulator.functions.inputs import DIMENSIONS, DocumentInput, LineInput, as_input, changed
from simulator.kinds import BILL

_HEADER = frozenset(
    [
        "RECORDNO",
        "VENDORID",
        "WHENCREATED",
        "WHENPOSTED",
        "WHENDUE",
        "RECORDID",
        "DOCNUMBER",
        "DESCRIPTION",
        "TERMNAME",
        "RECPAYMENTDATE",
        "SUPDOCID",
        "PAYMENTPRIORITY",
        "ONHOLD",
        "PRBATCH",
        "CURRENCY",
        "BASECURR",
        "EXCH_RATE_DATE",
        "EXCH_RATE_TYPE_ID",
        "EXCHANGE_RATE",
        "INCLUSIVETAX",
        "BILLTOPAYTOCONTACTNAME",
        "SHIPTORETURNTOCONTACTNAME",
        "ACTION",
        "APBILLITEMS",
    ]
)
_LINE = frozenset(
    [
        "RECORDNO",
        "LINE_NO",
        "ACCOUNTNO",
        "ACCOUNTLABEL",
        "OFFSETGLACCOUNTNO",
        "TRX_AMOUNT",
        "ENTRYDESCRIPTION",
        "FORM1099",
        "FORM1099TYPE",
        "FORM1099BOX",
        "BILLABLE",
        "customfields",
    ]
) | set(DIMENSIONS)
_PRIORITIES = {"", "urgent", "high", "normal", "low"}


def create(call: Call, element: Element) -> int:
    """Post a bill, and return its record number."""
    try:
        given = _read(element)
        if given.action.lower() != "draft" and not given.due:
            raise refuse(INVALID, "WHENDUE is required.")
    except FunctionError as error:
        raise error.followed_by(could_not("create", BILL.noun)) from error
    return documents.post(call, BILL, given)


def update(call: Call, element: Element) -> int:
    """Change the bill with the given record number, and return the number."""
    key = text(element, "RECORDNO")
    present = as_input(call, BILL, documents.changeable(call, BILL, key))
    new = _read(element)
    values = {name: getattr(new, name) for name in DocumentInput.__slots__ if getattr(new, name)}
    values["custom"] = {**present.custom, **new.custom}
    items = element.find("APBILLITEMS")
    if items is not None:
        values["lines"] = tuple(_kept_or_added(line, present.lines) for line in items)
    return documents.revise(call, BILL, key, replace(present, **values))


def _kept_or_added(element: Element, present: tuple[LineInput, ...]) -> LineInput:
    number = text(element, "LINE_NO")
    if not number:
        return _line(element)
    if not number.isdecimal() or not 1 <= int(number) <= len(present):
        raise refuse(INVALID, f"There is no line {number} to update.")
    return changed(present[int(number) - 1], _line(element))


def _read(element: Element) -> DocumentInput:
    priority = text(element, "PAYMENTPRIORITY")
    if priority not in _PRIORITIES:
        raise refuse(INVALID, f"PAYMENTPRIORITY '{priority}' is not one of urgent, high, normal, low.")
    return DocumentInput(
        party=text(element, "VENDORID"),
        created=_date(element, "WHENCREATED"),
        posted=_date(element, "WHENPOSTED"),
        due=_date(element, "WHENDUE"),
        term=text(element, "TERMNAME"),
        action=text(element, "ACTION"),
        number=text(element, "RECORDID"),
        reference=text(element, "DOCNUMBER"),
        description=text(element, "DESCRIPTION"),
        pay_to=text(element, "BILLTOPAYTOCONTACTNAME"),
        return_to=text(element, "SHIPTORETURNTOCONTACTNAME"),
        currency=text(element, "CURRENCY"),
        attachment=text(element, "SUPDOCID"),
        summary=text(element, "PRBATCH"),
        on_hold=text(element, "ONHOLD"),
        pay_by=_date(element, "RECPAYMENTDATE"),
        priority=priority,
        custom=_custom(element, _HEADER),
        lines=tuple(_line(line) for line in children(element, "APBILLITEMS")),
    )


def _line(element: Element) -> LineInput:
    return LineInput(
        account=text(element, "ACCOUNTNO"),
        label=text(element, "ACCOUNTLABEL"),
        offset_account=text(element, "OFFSETGLACCOUNTNO"),
        amount=text(element, "TRX_AMOUNT"),
        memo=text(element, "ENTRYDESCRIPTION"),
        dimensions={name: value for name in DIMENSIONS if (value := text(element, name))},
        custom=_custom(element, _LINE),
        billable=text(element, "BILLABLE"),
        form1099=text(element, "FORM1099"),
    )


def _custom(element: Element, known: frozenset[str]) -> dict[str, str]:
    custom = {str(child.tag): (child.text or "").strip() for child in element if child.tag not in known}
    for field in element.iterfind("customfields/customfield"):
        custom[text(field, "customfieldname")] = text(field, "customfieldvalue")
    return custom


def _date(element: Element, tag: str) -> str:
    value = text(element, tag)
    try:
        return iso_date(value) if value else ""
    except ValueError:
        raise refuse(INVALID, f"{tag}: '{value}' is not a date in the form MM/DD/YYYY.") from None
