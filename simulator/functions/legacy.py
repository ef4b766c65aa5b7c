"""The object-specific functions: create, update, delete invoices, bills and adjustments; reverse invoices and bills.

Source: Sage developer documentation, api/accounts-receivable/invoices, ar-adjustments, accounts-payable/bills and
ap-adjustments. No function that reverses an adjustment is documented, so there is none here. The functions answer with
the record number as `<key>`. `externalkey="true"` finds a document by its external id. It is not documented whether
Sage allows that everywhere, so an id of more than one document is refused.
"""

from dataclasses import replace
from datetime import date

from lxml.etree import _Element as Element

from simulator.call import Call, FunctionSuccess
from simulator.envelope import children, text
from simulator.errors import GENERIC, INVALID, refuse
from simulator.functions import documents
from simulator.functions.inputs import DocumentInput, LineInput, as_input, changed
from simulator.kinds import BY_FUNCTION, SageDocumentKind

_DIMENSIONS = (
    *("locationid", "departmentid", "projectid", "taskid", "costtypeid", "customerid", "vendorid"),
    *("employeeid", "itemid", "classid", "contractid", "warehouseid"),
)
_NOT_SIMULATED = {"allocationid", "taxentries", "totalpaid", "totaldue", "taxsolutionid", "revrectemplate"}


def execute(call: Call) -> FunctionSuccess:
    """Run an object-specific function. Its name, such as `create_bill`, gives the action and the kind of document."""
    verb, _, noun = call.function.partition("_")
    kind = BY_FUNCTION[noun]
    call.session.require(call.function, kind.header)
    if verb == "create":
        return FunctionSuccess(key=str(documents.post(call, kind, _read(call.element, kind))))
    key = _key(call, kind)
    if verb == "update":
        return FunctionSuccess(key=str(_update(call, kind, key)))
    if verb == "reverse":
        return FunctionSuccess(key=str(documents.reverse(call, kind, key, *_reversal(call.element))))
    documents.remove(call, kind, key)
    return FunctionSuccess()


def _reversal(element: Element) -> tuple[str, str]:
    return _date(element, "datereversed"), text(element, "description")


def _key(call: Call, kind: SageDocumentKind) -> str:
    key = call.element.get("key") or ""
    if (call.element.get("externalkey") or "").lower() != "true":
        return key
    found = call.database.find(kind.header, call.company, EXTERNAL_KEY=key)
    if len(found) != 1:
        raise refuse(GENERIC, f"Cannot find {kind.noun.lower()} with external key '{key}'.")
    return str(found[0]["RECORDNO"])


def _update(call: Call, kind: SageDocumentKind, key: str) -> int:
    present = as_input(call, kind, documents.changeable(call, kind, key))
    new = _read(call.element, kind)
    values = {name: getattr(new, name) for name in DocumentInput.__slots__ if getattr(new, name)}
    values |= {"custom": {**present.custom, **new.custom}, "lines": _updated_lines(call.element, kind, present.lines)}
    if new.term and not new.due:
        values["due"] = ""
    return documents.revise(call, kind, key, replace(present, **values))


def _updated_lines(element: Element, kind: SageDocumentKind, present: tuple[LineInput, ...]) -> tuple[LineInput, ...]:
    lines = list(present)
    for child in children(element, f"update{kind.function}items"):
        if child.tag == "lineitem":
            lines.append(_line(child))
            continue
        number = child.get("line_num") or ""
        if not number.isdecimal() or not 1 <= int(number) <= len(present):
            raise refuse(INVALID, f"There is no line {number} to update.")
        lines[int(number) - 1] = changed(lines[int(number) - 1], _line(child))
    return tuple(lines)


def _read(element: Element, kind: SageDocumentKind) -> DocumentInput:
    _refuse_not_simulated(element)
    if text(element, "nogl").lower() == "true":
        raise refuse(INVALID, "Documents outside the general ledger (nogl) are not simulated.")
    number = "invoiceno" if kind.side == "AR" else "billno"
    return DocumentInput(
        party=text(element, kind.party_id.lower()),
        created=_date(element, "datecreated"),
        posted=_date(element, "dateposted"),
        due=_date(element, "datedue"),
        term=text(element, "termname"),
        action=text(element, "action"),
        number=text(element, "adjustmentno" if kind.adjusts else number),
        reference=text(element, number if kind.adjusts else "ponumber"),
        description=text(element, "description"),
        external_key=text(element, "externalid"),
        pay_to=text(element, "billto/contactname") or text(element, "payto/contactname"),
        return_to=text(element, "shipto/contactname") or text(element, "returnto/contactname"),
        currency=text(element, "currency"),
        attachment=text(element, "supdocid"),
        summary=text(element, "batchkey"),
        on_hold=text(element, "onhold"),
        custom=_custom(element),
        lines=tuple(_line(line) for line in children(element, f"{kind.function}items")),
    )


def _line(element: Element) -> LineInput:
    _refuse_not_simulated(element)
    given = {str(child.tag): (child.text or "").strip() for child in element}
    return LineInput(
        account=given.get("glaccountno", ""),
        label=given.get("accountlabel", ""),
        offset_account=given.get("offsetglaccountno", ""),
        amount=given.get("amount", ""),
        memo=given.get("memo", ""),
        dimensions={name.upper(): given[name] for name in _DIMENSIONS if given.get(name)},
        custom=_custom(element),
        billable=given.get("billable", ""),
        form1099=given.get("item1099", ""),
    )


def _custom(element: Element) -> dict[str, str]:
    fields = element.iterfind("customfields/customfield")
    return {text(field, "customfieldname"): text(field, "customfieldvalue") for field in fields}


def _refuse_not_simulated(element: Element) -> None:
    for child in element:
        if child.tag in _NOT_SIMULATED:
            raise refuse(INVALID, f"The element {child.tag} is not simulated.")


def _date(element: Element, tag: str) -> str:
    parts = [text(element, f"{tag}/{part}") for part in ("year", "month", "day")]
    if not any(parts):
        return ""
    try:
        return date(*(int(part) for part in parts)).isoformat()
    except ValueError:
        raise refuse(INVALID, f"The date {tag} is not valid: {'-'.join(parts)}.") from None
