"""Corrections of a Sage record, identified by its record number: the calls, and their functions as XML text.

===========  ========================================================================================================
update       an invoice by the legacy `update_invoice`: `updatelineitem` for existing lines, `lineitem` for additional
             ones; a bill by the generic `update`, whose lines are the complete new set
reverse      `reverse_invoice`, `reverse_bill`: the legacy functions, the only ones documented
delete       the generic `delete`, for drafts, and for posted records if `correctPostedBy` is `deletion`
===========  ========================================================================================================

Sources: Sage developer documentation, accounts-receivable/invoices and accounts-payable/bills.

An update has the same elements as a create of the same document, so an element that is added to the create is in the
update too. No documented function removes a line of an invoice: a document with fewer lines than the record is refused
here.
"""

import re
from dataclasses import dataclass
from datetime import date

from domain.documents import Document, SageObject
from sage_client._documents import render
from sage_client._error_categories import ExchangeLevel
from sage_client._text import required_text, split_date
from sage_client.answers import Call
from sage_client.errors import RequestInvalidError

REVERSALS = {SageObject.AR_INVOICE: "reverse_invoice", SageObject.AP_BILL: "reverse_bill"}
"""The functions that reverse a posted document, by object. Objects that are not listed are never reversed by us."""
UPDATABLE = frozenset({SageObject.AR_INVOICE, SageObject.AP_BILL})
"""The objects whose drafts can be updated in place."""
_TAG = re.compile(r"<(\w+)>")


@dataclass(frozen=True, slots=True)
class UpdateCall:
    """A call to update a record to the document of `create`, under the control id of `create`."""

    create: Call
    record_no: str
    lines: int
    """The number of lines of the record. The lines of an invoice are numbered from 1."""

    @property
    def control_id(self) -> str:
        """The control id of the function."""
        return self.create.control_id


@dataclass(frozen=True, slots=True)
class ReverseCall:
    """A call to reverse a posted record, dated `on`."""

    control_id: str
    object: SageObject
    record_no: str
    on: date


@dataclass(frozen=True, slots=True)
class DeleteCall:
    """A call to delete a record: a draft, or a posted one if `correctPostedBy` is `deletion`."""

    control_id: str
    object: SageObject
    record_no: str


Correction = UpdateCall | ReverseCall | DeleteCall


def render_call(call: Call | Correction, marker_field: str | None = None) -> str:
    """Render the function of a call, as XML text.

    Args:
        call: The call.
        marker_field: The custom field for our marker; None: the marker is put in the description.

    Raises:
        RequestInvalidError: The call cannot be sent unchanged (see `_documents.render`), or no function reverses the
            object.
    """
    match call:
        case Call():
            return render(call.document, call.party_id, marker_field)
        case UpdateCall():
            return _update(call, marker_field)
        case ReverseCall():
            if (function := REVERSALS.get(call.object)) is None:
                raise RequestInvalidError(
                    f"no function is known that reverses {call.object}", level=ExchangeLevel.LOCAL
                )
            return (
                f'<{function} key="{_attribute(call.record_no)}"><datereversed>{split_date(call.on)}</datereversed>'
                f"</{function}>"
            )
        case DeleteCall():
            key = required_text(call.record_no, "record number")
            return f"<delete><object>{call.object}</object><keys>{key}</keys></delete>"


def line_elements(document: Document) -> tuple[frozenset[str], ...]:
    """List, for each line of an invoice, the names of the elements that an update sends; empty if it cannot be sent."""
    try:
        created = render(document, "-")
    except RequestInvalidError:
        return ()
    return tuple(frozenset(_TAG.findall(line)) for line in created.split("<lineitem>")[1:])


def _update(call: UpdateCall, marker_field: str | None) -> str:
    """Render an update by moving the elements of the create into the frame of the update.

    Splitting the text is safe, because `<` is escaped in every value.

    Raises:
        RequestInvalidError: The object cannot be updated, or the document has fewer lines than the record.
    """
    document = call.create.document
    created = render(document, call.create.party_id, marker_field)
    if document.sage_object is SageObject.AP_BILL:
        inner = created.removeprefix("<create><APBILL>").removesuffix("</APBILL></create>")
        number = required_text(call.record_no, "record number")
        return f"<update><APBILL><RECORDNO>{number}</RECORDNO>{inner}</APBILL></update>"
    if document.sage_object is not SageObject.AR_INVOICE or call.lines > len(document.lines):
        raise RequestInvalidError(f"{document.number!r} cannot be updated in place", level=ExchangeLevel.LOCAL)
    header, _, rest = created.removeprefix("<create_invoice>").partition("<invoiceitems>")
    lines = rest.removesuffix("</invoiceitems></create_invoice>").split("</lineitem>")[:-1]
    return "".join(
        (
            f'<update_invoice key="{_attribute(call.record_no)}">{header}<updateinvoiceitems>',
            *(
                f'<updatelineitem line_num="{number}">{line.removeprefix("<lineitem>")}</updatelineitem>'
                if number <= call.lines
                else f"{line}</lineitem>"
                for number, line in enumerate(lines, 1)
            ),
            "</updateinvoiceitems></update_invoice>",
        )
    )


def _attribute(record_no: str) -> str:
    return required_text(record_no, "record number").replace('"', "&quot;")
