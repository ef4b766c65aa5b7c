"""The objects of a company and their fields: tables, queries, reads and `lookup` are derived from this one list.

Source: Sage developer documentation, the pages of each object, and the field lists of published clients (read names
differ from write names: invoiceno -> RECORDID, ponumber -> DOCNUMBER, datecreated -> WHENCREATED). Each object is
written as `NAME[:kind][=COLUMN]`; a name under `blank` is known to the gateway and always empty here.
"""

from dataclasses import dataclass, field
from typing import cast

from simulator.empty_fields import EMPTY_FIELDS
from simulator.fields import Field, Kind


@dataclass(frozen=True, slots=True)
class Related:
    """A path for dotted fields, as `VENDOR.NAME` on a bill. `by` is the column that holds the other record's name."""

    object_name: str
    by: str


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object: its fields, the field that names a record, and where its records are kept."""

    name: str
    fields: dict[str, Field]
    natural: str
    table: str
    label: str
    key: str = "RECORDNO"
    related: dict[str, Related] = field(default_factory=dict)
    owned_by: str | None = None  # the value of OBJECT_NAME, where many user-defined objects share a table
    required: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, str]:
        """The columns the fields are kept in, with their SQLite types."""
        kinds = {f.column: f.kind for f in self.fields.values() if f.column and not f.custom}
        return {
            column: "INTEGER" if kind in {"money", "integer", "boolean"} else "TEXT" for column, kind in kinds.items()
        }


def _fields(spec: str, blank: str = "") -> dict[str, Field]:
    fields = {}
    for word in spec.split():
        name, _, column = word.partition("=")
        name, _, kind = name.partition(":")
        fields[name] = Field(name, cast("Kind", kind or "text"), column or name)
    return fields | {name: Field(name) for name in blank.split()}


_AUDIT = "WHENCREATED:timestamp WHENMODIFIED:timestamp CREATEDBY MODIFIEDBY MEGAENTITYID MEGAENTITYNAME"
_DOCUMENT_AUDIT = "AUWHENCREATED:timestamp WHENMODIFIED:timestamp CREATEDBY MODIFIEDBY MEGAENTITYID MEGAENTITYNAME"
_CONTACT_BLANK = (
    "PREFIX FIRSTNAME INITIAL LASTNAME COMPANYNAME PRINTAS PHONE1 PHONE2 CELLPHONE PAGER FAX EMAIL1 EMAIL2 URL1 URL2"
    " VISIBLE"
    " MAILADDRESS.ADDRESS1 MAILADDRESS.ADDRESS2 MAILADDRESS.CITY MAILADDRESS.STATE MAILADDRESS.ZIP MAILADDRESS.COUNTRY"
    " MAILADDRESS.COUNTRYCODE CONTACTNAME MAILADDRESS.LATITUDE MAILADDRESS.LONGITUDE TAXGROUP TAXID TAXABLE MOBILE"
)
_TOTALS = " ".join(f"{prefix}{name}:money={name}" for prefix in ("", "TRX_") for name in (
    "TOTALENTERED", "TOTALSELECTED", "TOTALPAID", "TOTALDUE"))  # fmt: skip
_LINE_DIMENSIONS = (
    "LOCATIONID DEPARTMENTID PROJECTID TASKID COSTTYPEID CUSTOMERID VENDORID EMPLOYEEID ITEMID CLASSID CONTRACTID"
    " WAREHOUSEID ASSETID"
)
_REQUIRE = " ".join(f"REQUIRE{dimension}:boolean" for dimension in (
    "DEPT", "LOC", "PROJECT", "TASK", "CUSTOMER", "VENDOR", "EMPLOYEE", "ITEM", "CLASS", "CONTRACT",
    "WAREHOUSE"))  # fmt: skip


def _blank_contacts(*roles: str) -> str:
    return " ".join(f"{role}.{name}" for role in roles for name in _CONTACT_BLANK.split())


def _document(party: str, extra: str, blank: str) -> dict[str, Field]:
    return _fields(
        f"RECORDNO:integer RECORDID STATE:state RAWSTATE {party}ID {party}NAME DOCNUMBER DESCRIPTION TERMNAME"
        f" WHENCREATED:date WHENPOSTED:date WHENDUE:date WHENPAID:date BASECURR CURRENCY {_TOTALS} PRBATCH SUPDOCID"
        f" ONHOLD:boolean SYSTEMGENERATED:boolean MODULEKEY BILLTOPAYTOCONTACTNAME SHIPTORETURNTOCONTACTNAME"
        f" {extra} {_DOCUMENT_AUDIT}",
        "RECORD_URL DUE_IN_DAYS PRBATCHKEY RECORDTYPE DESCRIPTION2 CUSTMESSAGEID CUSTMESSAGE.MESSAGE WHENDISCOUNT"
        " EXCH_RATE_DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE TRX_ENTITYDUE DELIVERY_OPTIONS SCHOPKEY MEGAENTITYKEY"
        f" {_blank_contacts('CONTACT', 'SHIPTO', 'BILLTO')} {blank}",
    )


def _line() -> dict[str, Field]:
    return _fields(
        "RECORDNO:integer RECORDKEY:integer LINE_NO:integer ACCOUNTNO ACCOUNTTITLE ACCOUNTLABEL OFFSETGLACCOUNTNO"
        " AMOUNT:money TRX_AMOUNT:money=AMOUNT TOTALPAID:money TRX_TOTALPAID:money=TOTALPAID ENTRYDESCRIPTION"
        f" ENTRY_DATE:date CURRENCY BASECURR BILLABLE:boolean FORM1099:boolean {_LINE_DIMENSIONS}"
        f" {_DOCUMENT_AUDIT}",
        "LOCATIONNAME DEPARTMENTNAME ALLOCATION STATE",
    )


def _payment(party: str) -> dict[str, Field]:
    return _fields(
        f"RECORDNO:integer RECORDTYPE STATE:state RAWSTATE DISPLAYSTATE=STATE FINANCIALENTITY PAYMENTMETHOD {party}ID"
        f" {party}NAME PAYERNAME={party}NAME DOCNUMBER RECEIPTDATE:date=WHENPAID WHENCREATED:date WHENPAID:date"
        f" WHENPOSTED:date CURRENCY BASECURR {_TOTALS} CLEARED:boolean MODULEKEY DESCRIPTION {_DOCUMENT_AUDIT}",
        "PRBATCHKEY FINANCIALENTITYTYPE FINANCIALACCOUNTNAME FINANCIALACCOUNTCURRENCY SUMMARYTITLE PARENTPAYMENTKEY"
        " MULTIENTITYPYMTKEY PAYMENTPROVIDER RECORDID DESCRIPTION2 PRBATCH RECON_DATE",
    )


def _payment_detail() -> dict[str, Field]:
    amounts = " ".join(f"{name}:money TRX_{name}:money={name}" for name in (
        "PAYMENTAMOUNT", "DISCOUNTAMOUNT", "ADJUSTMENTAMOUNT", "NEGATIVEINVOICEAMOUNT", "INLINEAMOUNT", "ADVANCEAMOUNT",
        "OVERPAYMENTAMOUNT"))  # fmt: skip
    return _fields(
        "RECORDNO:integer RECORDKEY:integer ENTRYKEY:integer PAYMENTKEY:integer PAYMENTENTRYKEY:integer"
        f" PAYMENTDATE:date {amounts} ADJUSTMENTKEY:integer NEGATIVEINVOICEKEY:integer ADVANCEKEY:integer"
        " OVERPAYMENTKEY:integer CURRENCY STATE:state RAWSTATE MODULEKEY"
        " WHENCREATED:timestamp WHENMODIFIED:timestamp MEGAENTITYID",
        "POSADJKEY INLINEKEY DISCOUNTDATE PARENTPAYMENTKEY",
    )


def _party(name: str) -> dict[str, Field]:
    return _fields(
        f"RECORDNO:integer {name}ID NAME STATUS:status TERMNAME ONHOLD:boolean ONETIME:boolean TAXID CURRENCY COMMENTS"
        f" {name[:4]}TYPE DISPLAYCONTACTNAME PAYTOCONTACTNAME RETURNTOCONTACTNAME CREDITLIMIT:money"
        " OBJECTRESTRICTION RESTRICTEDLOCATIONS"
        f" SUPDOCID NAME1099 FORM1099TYPE FORM1099BOX DONOTCUTCHECK:boolean {_AUDIT}",
        "TOTALDUE ENTITY PARENTKEY PARENTID PARENTNAME CUSTREPNAME GLGRPKEY GLGROUP VENDTYPEKEY ACCOUNTLABEL"
        " VENDORACCOUNTNO"
        " BILLINGTYPE PAYMETHODKEY PAYMENTNOTIFY MERGEPAYMENTREQ APACCOUNT RESTRICTEDDEPARTMENTS CUSTMESSAGEID"
        " HIDEDISPLAYCONTACT DELIVERYOPTIONS PAYMENTPRIORITY PRINTAS",
    )


def _simple(natural: str, extra: str = "", blank: str = "") -> dict[str, Field]:
    return _fields(f"RECORDNO:integer {natural} NAME STATUS:status DESCRIPTION {extra} {_AUDIT}", blank)


_CONTACT = _fields(
    "RECORDNO:integer CONTACTNAME PRINTAS COMPANYNAME PREFIX FIRSTNAME LASTNAME INITIAL PHONE1 PHONE2 CELLPHONE PAGER"
    " FAX EMAIL1 EMAIL2 URL1 URL2 TAXID TAXABLE STATUS:status"
    + "".join(f" MAILADDRESS.{name}={name}" for name in (
        "ADDRESS1", "ADDRESS2", "CITY", "STATE", "ZIP", "COUNTRY", "COUNTRYCODE"))
    + f" {_AUDIT}", "TAXGROUP VISIBLE"
)  # fmt: skip
_PARTY_PATHS = {
    "DISPLAYCONTACT": Related("CONTACT", "DISPLAYCONTACTNAME"),
    "PAYTO": Related("CONTACT", "PAYTOCONTACTNAME"),
    "RETURNTO": Related("CONTACT", "RETURNTOCONTACTNAME"),
}


def _type(
    name: str,
    fields: dict[str, Field],
    natural: str,
    label: str,
    related: dict[str, Related] | None = None,
    required: tuple[str, ...] = (),
) -> ObjectType:
    fields = fields | _fields("", EMPTY_FIELDS.get(name, ""))
    return ObjectType(name, fields, natural, name, label, related=related or {}, required=required)


_STANDARD = [
    _type("ARINVOICE", _document("CUSTOMER", "", ""), "RECORDNO", "invoice",
          {"CUSTOMER": Related("CUSTOMER", "CUSTOMERID")}),
    _type("ARINVOICEITEM", _line(), "RECORDNO", "invoice line"),
    _type(
        "APBILL",
        _document("VENDOR", "RECPAYMENTDATE:date PAYMENTPRIORITY", "FORM1099TYPE FORM1099BOX"),
        "RECORDNO",
        "bill",
        {"VENDOR": Related("VENDOR", "VENDORID")},
    ),
    _type("APBILLITEM", _line(), "RECORDNO", "bill line"),
    _type("ARADJUSTMENT", _document("CUSTOMER", "", ""), "RECORDNO", "AR adjustment"),
    _type("ARADJUSTMENTITEM", _line(), "RECORDNO", "AR adjustment line"),
    _type("APADJUSTMENT", _document("VENDOR", "", ""), "RECORDNO", "AP adjustment"),
    _type("APADJUSTMENTITEM", _line(), "RECORDNO", "AP adjustment line"),
    _type("ARPYMT", _payment("CUSTOMER"), "RECORDNO", "AR payment"),
    _type("ARPYMTDETAIL", _payment_detail(), "RECORDNO", "AR payment detail"),
    _type("APPYMT", _payment("VENDOR"), "RECORDNO", "AP payment"),
    _type("APPYMTDETAIL", _payment_detail(), "RECORDNO", "AP payment detail"),
    _type("CUSTOMER", _party("CUSTOMER"), "CUSTOMERID", "customer", _PARTY_PATHS, ("NAME",)),
    _type("VENDOR", _party("VENDOR"), "VENDORID", "vendor", _PARTY_PATHS, ("NAME",)),
    _type("CONTACT", _CONTACT, "CONTACTNAME", "contact", required=("PRINTAS",)),
    _type(
        "GLACCOUNT",
        _fields(
            "RECORDNO:integer ACCOUNTNO TITLE ACCOUNTTYPE:enum NORMALBALANCE:enum CLOSINGTYPE:enum CATEGORY"
            f" STATUS:status ALTERNATIVEACCOUNT {_REQUIRE} {_AUDIT}",
            "REQUIREGLDIM CLOSETOACCTKEY TAXCODE MRCCODE TAXABLE",
        ),
        "ACCOUNTNO",
        "GL account",
        required=("TITLE",),
    ),
    _type("ARACCOUNTLABEL", _fields(f"RECORDNO:integer ACCOUNTLABEL DESCRIPTION GLACCOUNTNO STATUS:status {_AUDIT}"),
          "ACCOUNTLABEL", "AR account label"),
    _type("APACCOUNTLABEL", _fields(f"RECORDNO:integer ACCOUNTLABEL DESCRIPTION GLACCOUNTNO STATUS:status {_AUDIT}"),
          "ACCOUNTLABEL", "AP account label"),
    _type("ARTERM", _simple("TERMNAME=NAME", "DUEDATE:integer"), "NAME", "AR term"),
    _type("APTERM", _simple("TERMNAME=NAME", "DUEDATE:integer"), "NAME", "AP term"),
    _type(
        "LOCATIONENTITY",
        _simple("LOCATIONID", "CURRENCY FEDERALID STARTDATE:date ENDDATE:date",
                "OPCOUNTRY TAXID LEGALNAME FIRSTMONTH WEEKSTART SUPERVISORID CUSTOMERID CUSTOMERNAME VENDORID"
                " VENDORNAME"
                " ENABLELEGALCONTACT LEGALADDRESS1 LEGALADDRESS2 LEGALCITY LEGALSTATE LEGALZIPCODE LEGALCOUNTRY"
                " ADDRESSCOUNTRYDEFAULT RECORD_URL INTERENTITYPAYABLE INTERENTITYRECEIVABLE SUPERVISORNAME CUSTTITLE"
                " BUSINESSDAYS WEEKENDS CONTACTINFO.CONTACTNAME SHIPTO.CONTACTNAME"),
        "LOCATIONID",
        "entity",
    ),
    _type("LOCATION", _simple("LOCATIONID", "PARENTID ENTITY CURRENCY"), "LOCATIONID", "location"),
    _type("DEPARTMENT", _simple("DEPARTMENTID", "TITLE=NAME PARENTID",
                                "PARENTKEY SUPERVISORKEY SUPERVISORID CUSTTITLE"),
          "DEPARTMENTID", "department"),
    _type("CLASS", _simple("CLASSID", "PARENTID", "PARENTKEY PARENTNAME LOCATIONNO"), "CLASSID", "class"),
    _type("PROJECT", _simple("PROJECTID", "PARENTID CUSTOMERID CURRENCY PROJECTCATEGORY PROJECTSTATUS",
                             "CUSTOMERKEY CUSTOMERNAME PROJECTTYPE DEPARTMENTNAME LOCATIONID LOCATIONNAME BUDGETID"
                             " PARENTKEY PARENTNAME"),
          "PROJECTID", "project"),
    _type("TASK", _simple("TASKID", "PROJECTID"), "TASKID", "task"),
    _type("COSTTYPE", _simple("COSTTYPEID", "PROJECTID TASKID"), "COSTTYPEID", "cost type"),
    _type("EMPLOYEE", _simple("EMPLOYEEID", "TITLE LOCATIONID DEPARTMENTID"), "EMPLOYEEID", "employee"),
    _type("ITEM", _simple("ITEMID", "ITEMTYPE", "GLGROUP PRODUCTTYPE EXTENDED_DESCRIPTION"), "ITEMID", "item"),
    _type("WAREHOUSE", _simple("WAREHOUSEID=LOCATIONID", "LOCATIONID"), "WAREHOUSEID", "warehouse"),
    # Not documented for the XML gateway: named as the other ten are.
    _type("ASSET", _simple("ASSETID"), "ASSETID", "asset"),
    _type("CONTRACT", _simple("CONTRACTID", "CUSTOMERID STATE BEGINDATE:date ENDDATE:date"), "CONTRACTID", "contract"),
    _type(
        "AUDITHISTORY",
        _fields(
            "RECORDNO:integer OBJECTTYPE OBJECTKEY ACCESSMODE:enum ACCESSTIME:timestamp USERID SOURCE MEGAENTITYID"
        ),
        "RECORDNO",
        "audit record",
    ),
]  # fmt: skip

STANDARD: dict[str, ObjectType] = {object_type.name: object_type for object_type in _STANDARD}

USER_DEFINED_FIELDS = _fields(
    "id:integer=RECORDNO name=NAME createdBy=CREATEDBY createdAt:timestamp=WHENCREATED updatedBy=MODIFIEDBY"
    " updatedAt:timestamp=WHENMODIFIED"
)
USER_DEFINED_TABLE = "USER_DEFINED"


def user_defined(name: str) -> ObjectType:
    """A user-defined dimension: lower-case fields, the key is `id`; RECORDNO, STATUS and WHENMODIFIED do not exist."""
    return ObjectType(
        name, USER_DEFINED_FIELDS, "name", USER_DEFINED_TABLE, name.lower(), key="id", owned_by=name, required=("name",)
    )
