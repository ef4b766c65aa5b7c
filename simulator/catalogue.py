"""The objects of a company and their fields. Tables, queries, reads and `lookup` are derived from this one list.

The names come from `simulator.reference`. A field is offered only if a public source reads it, or if a source sends it
and it depends on a subscription that no company with a complete list had. The fields that the simulator stores are
listed per object as `NAME[:kind][=COLUMN]`. Every other field of the sources exists in the gateway and is always empty.
A stored name that is in no source is an internal column, which no request can read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import cast

from simulator.fields import Field, Kind
from simulator.reference import FieldFacts, reference
from simulator.subscriptions import Subscription, granted


@dataclass(frozen=True, slots=True)
class Related:
    """A path for dotted fields, such as `VENDOR.NAME` on a bill. `by` is the field with the id of the other record."""

    object_name: str
    by: str
    column: str | None
    """The column of that field; None if the simulator does not store it, so that dotted fields are empty."""


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object: its fields, its natural id (`natural`), and the table that stores its records."""

    name: str
    fields: dict[str, Field]
    natural: str
    table: str
    label: str
    columns: dict[str, Kind]
    """All stored columns, including those without a field."""
    natural_column: str
    key: str = "RECORDNO"
    related: dict[str, Related] = field(default_factory=dict)
    """The paths that `lookup` lists."""
    contacts: dict[str, Related] = field(default_factory=dict)
    """The prefixes of dotted fields that refer to a contact."""
    sent: dict[str, Field] = field(default_factory=dict)
    """Fields that a create or update may contain although no read returns them."""
    owned_by: str | None = None  # the value of OBJECT_NAME, where many user-defined objects share a table
    required: tuple[str, ...] = ()


_KINDS: dict[str, Kind] = {
    "INTEGER": "integer",
    "DECIMAL": "money",
    "CURRENCY": "money",
    "PERCENT": "money",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BOOLEAN": "boolean",
    "ENUM": "enum",
}
_LOOKUP_TYPES = {"STRING": "TEXT", "FLOAT": "DECIMAL", "DATETIME": "TIMESTAMP"}


def _described(facts: FieldFacts) -> Field:
    """Make a field without a column (always empty) from the description of the sources."""
    data_type = _LOOKUP_TYPES.get(facts.data_type.upper(), facts.data_type.upper())
    if data_type not in reference().data_types:
        data_type = "TEXT"
    return Field(
        facts.name,
        _KINDS.get(data_type, "text"),
        data_type=data_type,
        values=facts.values,
        read_only=facts.read_only,
    )


def _kept(spec: str) -> Iterator[tuple[str, Kind, str]]:
    for word in spec.split():
        name, _, column = word.partition("=")
        name, _, kind = name.partition(":")
        yield name, cast("Kind", kind or "text"), column or name


_AUDIT = (
    "WHENCREATED:timestamp WHENMODIFIED:timestamp CREATEDBYLOGINID=CREATEDBY MODIFIEDBYLOGINID=MODIFIEDBY MEGAENTITYID"
)
_DOCUMENT_AUDIT = _AUDIT.replace("WHENCREATED", "AUWHENCREATED")
_TOTALS = " ".join(f"{prefix}{name}:money={name}" for prefix in ("", "TRX_") for name in (
    "TOTALENTERED", "TOTALSELECTED", "TOTALPAID", "TOTALDUE"))  # fmt: skip
_LINE_DIMENSIONS = (
    "LOCATIONID DEPARTMENTID PROJECTID TASKID COSTTYPEID CUSTOMERID VENDORID EMPLOYEEID ITEMID CLASSID CONTRACTID"
    " WAREHOUSEID ASSETID"
)
_REQUIRE = " ".join(f"REQUIRE{dimension}:boolean" for dimension in (
    "DEPT", "LOC", "PROJECT", "TASK", "CUSTOMER", "VENDOR", "EMPLOYEE", "ITEM", "CLASS", "CONTRACT",
    "WAREHOUSE"))  # fmt: skip
_LINE = (
    "RECORDNO:integer RECORDKEY:integer LINE_NO:integer ACCOUNTNO ACCOUNTTITLE ACCOUNTLABEL OFFSETGLACCOUNTNO"
    " AMOUNT:money TRX_AMOUNT:money=AMOUNT TOTALPAID:money TRX_TOTALPAID:money=TOTALPAID ENTRYDESCRIPTION"
    f" ENTRY_DATE:date CURRENCY BASECURR BILLABLE:boolean FORM1099:boolean {_LINE_DIMENSIONS}"
    f" {_DOCUMENT_AUDIT} WHENCREATED:timestamp=AUWHENCREATED"
)


def _document(party: str, extra: str = "") -> str:
    return (
        f"RECORDNO:integer RECORDID STATE:state RAWSTATE {party}ID {party}NAME DOCNUMBER DESCRIPTION TERMNAME"
        f" WHENCREATED:date WHENPOSTED:date WHENDUE:date WHENPAID:date BASECURR CURRENCY {_TOTALS} PRBATCH SUPDOCID"
        f" ONHOLD:boolean SYSTEMGENERATED:boolean MODULEKEY BILLTOPAYTOCONTACTNAME SHIPTORETURNTOCONTACTNAME"
        f" {extra} {_DOCUMENT_AUDIT}"
    )


def _payment(party: str) -> str:
    return (
        f"RECORDNO:integer RECORDTYPE STATE:state RAWSTATE DISPLAYSTATE:state=STATE PAYMENTMETHOD {party}ID"
        f" {party}NAME PAYERNAME={party}NAME DOCNUMBER RECEIPTDATE:date=WHENPAID WHENCREATED:date WHENPAID:date"
        f" WHENPOSTED:date CURRENCY BASECURR {_TOTALS} DESCRIPTION {_DOCUMENT_AUDIT}"
    )


_PAYMENT_DETAIL = (
    "RECORDNO:integer RECORDKEY:integer ENTRYKEY:integer PAYMENTKEY:integer PAYMENTDATE:date "
    + " ".join(f"{name}:money TRX_{name}:money={name}" for name in (
        "PAYMENTAMOUNT", "DISCOUNTAMOUNT", "ADJUSTMENTAMOUNT", "NEGATIVEINVOICEAMOUNT", "INLINEAMOUNT",
        "POSTEDADVANCEAMOUNT", "POSTEDOVERPAYMENTAMOUNT"))
    + " ADJUSTMENTKEY:integer NEGATIVEINVOICEKEY:integer INLINEKEY:integer ADVANCEKEY:integer OVERPAYMENTKEY:integer"
    " CURRENCY STATE:state RAWSTATE MODULEKEY WHENCREATED:timestamp WHENMODIFIED:timestamp MEGAENTITYID"
)  # fmt: skip


def _party(name: str, pay_to: str, return_to: str) -> str:
    return (
        f"RECORDNO:integer {name}ID NAME STATUS:status TERMNAME ONHOLD:boolean ONETIME:boolean TAXID CURRENCY COMMENTS"
        f" {name[:4]}TYPE DISPLAYCONTACT.CONTACTNAME=DISPLAYCONTACTNAME {pay_to}.CONTACTNAME=PAYTOCONTACTNAME"
        f" {return_to}.CONTACTNAME=RETURNTOCONTACTNAME CREDITLIMIT:money OBJECTRESTRICTION RESTRICTEDLOCATIONS"
        f" SUPDOCID NAME1099 FORM1099TYPE FORM1099BOX DONOTCUTCHECK:boolean {_AUDIT}"
    )


def _simple(natural: str, extra: str = "") -> str:
    return f"RECORDNO:integer {natural} NAME STATUS:status DESCRIPTION {extra} {_AUDIT}"


_CONTACT = (
    "RECORDNO:integer CONTACTNAME PRINTAS COMPANYNAME PREFIX FIRSTNAME LASTNAME INITIAL PHONE1 PHONE2 CELLPHONE PAGER"
    " FAX EMAIL1 EMAIL2 URL1 URL2 TAXID TAXABLE STATUS:status"
    + "".join(f" MAILADDRESS.{name}={name}" for name in (
        "ADDRESS1", "ADDRESS2", "CITY", "STATE", "ZIP", "COUNTRY", "COUNTRYCODE"))
    + f" {_AUDIT}"
)  # fmt: skip
_ACCOUNT_LABEL = f"RECORDNO:integer ACCOUNTLABEL DESCRIPTION GLACCOUNTNO STATUS:status {_AUDIT}"


def _type(name: str, spec: str, natural: str, label: str, required: tuple[str, ...] = ()) -> ObjectType:
    facts = reference().objects[name]
    known = {each.name: _described(each) for each in facts.fields.values()}
    columns: dict[str, Kind] = {}
    kept: dict[str, str] = {}
    for field_name, kind, column in _kept(spec):
        columns[column] = kind
        kept[field_name] = column
        if field_name in known:
            known[field_name] = replace(known[field_name], kind=kind, column=column)
    return ObjectType(
        name,
        {each: known[each] for each in known if facts.fields[each].readable},
        natural,
        name,
        label,
        columns,
        kept[natural],
        related={each.path: Related(each.object_name, each.by, kept.get(each.by)) for each in facts.relations},
        contacts={
            each.removesuffix(".CONTACTNAME"): Related("CONTACT", each, column)
            for each, column in kept.items()
            if each.endswith(".CONTACTNAME")
        },
        sent={each: known[each] for each in known if not facts.fields[each].readable},
        required=required,
    )


_STANDARD = [
    _type("ARINVOICE", _document("CUSTOMER"), "RECORDNO", "invoice"),
    _type("ARINVOICEITEM", _LINE, "RECORDNO", "invoice line"),
    _type("APBILL", _document("VENDOR", "RECPAYMENTDATE:date PAYMENTPRIORITY"), "RECORDNO", "bill"),
    _type("APBILLITEM", _LINE, "RECORDNO", "bill line"),
    _type("ARADJUSTMENT", _document("CUSTOMER"), "RECORDNO", "AR adjustment"),
    _type("ARADJUSTMENTITEM", _LINE, "RECORDNO", "AR adjustment line"),
    _type("APADJUSTMENT", _document("VENDOR"), "RECORDNO", "AP adjustment"),
    _type("APADJUSTMENTITEM", _LINE, "RECORDNO", "AP adjustment line"),
    _type("ARPYMT", _payment("CUSTOMER"), "RECORDNO", "AR payment"),
    _type("ARPYMTDETAIL", _PAYMENT_DETAIL, "RECORDNO", "AR payment detail"),
    _type("APPYMT", _payment("VENDOR"), "RECORDNO", "AP payment"),
    _type("APPYMTDETAIL", _PAYMENT_DETAIL, "RECORDNO", "AP payment detail"),
    _type("CUSTOMER", _party("CUSTOMER", "BILLTO", "SHIPTO"), "CUSTOMERID", "customer", ("NAME",)),
    _type("VENDOR", _party("VENDOR", "PAYTO", "RETURNTO"), "VENDORID", "vendor", ("NAME",)),
    _type("CONTACT", _CONTACT, "CONTACTNAME", "contact", required=("PRINTAS",)),
    _type(
        "GLACCOUNT",
        "RECORDNO:integer ACCOUNTNO TITLE ACCOUNTTYPE:enum NORMALBALANCE:enum CLOSINGTYPE:enum CATEGORY"
        f" STATUS:status ALTERNATIVEACCOUNT {_REQUIRE} {_AUDIT}",
        "ACCOUNTNO",
        "GL account",
        required=("TITLE",),
    ),
    _type("ARACCOUNTLABEL", _ACCOUNT_LABEL, "ACCOUNTLABEL", "AR account label"),
    _type("APACCOUNTLABEL", _ACCOUNT_LABEL, "ACCOUNTLABEL", "AP account label"),
    _type("ARTERM", _simple("", "DUEDATE:integer"), "NAME", "AR term"),
    _type("APTERM", _simple("", "DUEDATE:integer"), "NAME", "AP term"),
    _type("LOCATIONENTITY", _simple("LOCATIONID", "CURRENCY FEDERALID STARTDATE:date ENDDATE:date"),
          "LOCATIONID", "entity"),
    _type("LOCATION", _simple("LOCATIONID", "PARENTID ENTITY CURRENCY"), "LOCATIONID", "location"),
    _type("DEPARTMENT", _simple("DEPARTMENTID", "TITLE=NAME PARENTID"), "DEPARTMENTID", "department"),
    _type("CLASS", _simple("CLASSID", "PARENTID"), "CLASSID", "class"),
    _type("PROJECT", _simple("PROJECTID", "PARENTID CUSTOMERID CURRENCY PROJECTCATEGORY PROJECTSTATUS"),
          "PROJECTID", "project"),
    _type("TASK", _simple("TASKID", "PROJECTID"), "TASKID", "task"),
    _type("COSTTYPE", _simple("COSTTYPEID", "PROJECTID TASKID"), "COSTTYPEID", "cost type"),
    _type("EMPLOYEE",
          _simple("EMPLOYEEID", "CONTACT_NAME=NAME PERSONALINFO.CONTACTNAME=NAME TITLE LOCATIONID DEPARTMENTID"),
          "EMPLOYEEID", "employee"),
    _type("ITEM", _simple("ITEMID", "ITEMTYPE"), "ITEMID", "item"),
    _type("WAREHOUSE", _simple("WAREHOUSEID", "LOCATIONID=WAREHOUSEID"), "WAREHOUSEID", "warehouse"),
    # The object of the dimension Asset. No source lists its fields, so lines can name its records but none can be read.
    _type("FIXEDASSET", _simple("ASSETID"), "ASSETID", "asset"),
    _type("CONTRACT", _simple("CONTRACTID", "CUSTOMERID STATE BEGINDATE:date ENDDATE:date"), "CONTRACTID", "contract"),
    _type(
        "AUDITHISTORY",
        "RECORDNO:integer OBJECTTYPE OBJECTKEY ACCESSMODE:enum ACCESSTIME:timestamp USERID SOURCE MEGAENTITYID",
        "RECORDNO",
        "audit record",
    ),
]  # fmt: skip

STANDARD: dict[str, ObjectType] = {object_type.name: object_type for object_type in _STANDARD}
"""All objects with all fields, as in a company with every subscription."""


@cache
def of_company(subscriptions: frozenset[Subscription], *, common_only: bool) -> dict[str, ObjectType]:
    """The objects and fields of a company.

    Args:
        subscriptions: The company's subscriptions.
        common_only: Whether to leave out fields that the complete list of any real company lacks.
    """
    objects = {}
    for object_type in _STANDARD:
        facts = reference().objects[object_type.name]
        if granted(facts.subscription, subscriptions):
            bought = {name for name, known in facts.fields.items() if granted(known.subscription, subscriptions)}
            lacking = {name for name, known in facts.fields.items() if common_only and known.absent}
            fields = {name: known for name, known in object_type.fields.items() if name in bought - lacking}
            sent = {name: known for name, known in object_type.sent.items() if name in bought}
            objects[object_type.name] = replace(object_type, fields=fields, sent=sent)
    return objects


_USER_DEFINED = (
    "id:integer=RECORDNO name=NAME createdBy=CREATEDBY createdAt:timestamp=WHENCREATED updatedBy=MODIFIEDBY"
    " updatedAt:timestamp=WHENMODIFIED"
)
USER_DEFINED_TABLE = "USER_DEFINED"


def user_defined(name: str) -> ObjectType:
    """Make the object of a user-defined dimension.

    Its field names are in lower case and its key is `id`; RECORDNO, STATUS and WHENMODIFIED do not exist.
    """
    kept = list(_kept(_USER_DEFINED))
    return ObjectType(
        name,
        {field_name: Field(field_name, kind, column) for field_name, kind, column in kept},
        "name",
        USER_DEFINED_TABLE,
        name.lower(),
        {column: kind for _, kind, column in kept},
        "NAME",
        key="id",
        owned_by=name,
        required=("name",),
    )
