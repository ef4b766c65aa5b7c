"""The XML that the client sends: texts to put into it, places in it, and the order of Sage's schema."""

from hypothesis import strategies as st
from lxml import etree

ANY_TEXT = st.text(st.characters(codec=None), max_size=60) | st.text(
    st.sampled_from("\x00\x01\x08\t\n\x0b\r\x1f &<>]'\"\ud800\udfff\ufffe\uffff\U0001f69a\x7f\x85"), max_size=20
)
SCHEMA = {
    # The order of Sage's schema, v3.0/api.xsd: every element that may stand there, in its place.
    "create_invoice": """
        customerid datecreated dateposted datedue termname batchkey action invoiceno ponumber description externalid
        billto shipto basecurr currency exchratedate exchratetype exchrate nogl supdocid customfields invoiceitems""",
    "lineitem": """
        accountlabel glaccountno offsetglaccountno amount allocationid memo locationid departmentid item1099
        form1099type form1099box key totalpaid totaldue customfields revrectemplate defrevaccount revrecstartdate
        revrecenddate projectid customerid vendorid employeeid itemid classid contractid warehouseid billable""",
    "datecreated": "year month day",
    "control": "senderid password controlid uniqueid dtdversion policyid debug includewhitespace",
    "operation": "authentication content",
    "login": "userid companyid password clientid locationid",
    # The generic create takes any order; these are the names it knows (accounts-payable/bills).
    "APBILL": """
        VENDORID WHENCREATED WHENPOSTED WHENDUE RECORDID DOCNUMBER DESCRIPTION TERMNAME RECPAYMENTDATE SUPDOCID
        PAYMENTPRIORITY CURRENCY BASECURR EXCH_RATE_DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE ACTION APBILLITEMS""",
    "APBILLITEM": "ACCOUNTNO TRX_AMOUNT ENTRYDESCRIPTION LOCATIONID DEPARTMENTID",
}


def at(root: etree._Element, path: str) -> etree._Element:
    """The element at a path that must be there."""
    found = root.find(path)
    assert found is not None, path
    return found


def tags(element: etree._Element) -> list[str]:
    return [str(child.tag) for child in element]


def in_order(element: etree._Element) -> bool:
    """Each child has its place in the schema, and none stands before its place or twice."""
    order = SCHEMA[str(element.tag)].split()
    places = [order.index(name) for name in tags(element)]
    return places == sorted(set(places))


def fields(element: etree._Element) -> list[tuple[str, str]]:
    """Every field with its text, in order."""
    return [(str(place.tag), place.text or "") for place in element.iter() if not len(place)]
