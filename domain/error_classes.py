"""Classes of errors that accountants know from other exports to Sage Intacct, each with our codes.

These data are for the documentation: docs/codes.md shows them. The classes come from Alvys's help on Sage ("Error
Transactions"), and from Expensify's table of Sage errors (INT…), which is the longest one published.
"""

from dataclasses import dataclass

from domain.codes import Code


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """One class of errors, under the name that accountants use."""

    name: str
    known_as: str
    """The publisher of the class: Alvys, or Expensify with its error numbers."""
    codes: tuple[Code, ...]
    """Our codes of this class, the most frequent first."""
    words: str = ""
    """Sage's published error text; empty if none is published, or if the service refuses before any call."""


CLASSES: tuple[ErrorClass, ...] = (
    ErrorClass(
        "closed period or subledger",
        "Expensify INT035, INT771, INT088",
        (Code.SAGE_PERIOD_CLOSED,),
        "Date must be on or after 07/01/2026",
    ),
    ErrorClass(
        "dimension missing, inactive or not resolved",
        "Alvys; Expensify INT073, INT084, INT459",
        (Code.SAGE_DIMENSION_INVALID,),
        "Invalid Project '10064' specified.",
    ),
    ErrorClass(
        "user-defined dimension", "Expensify INT402", (Code.SAGE_CONFIGURATION,), "Object definition X not found"
    ),
    ErrorClass("GL account not mapped", "Alvys", (Code.ACCOUNT_UNMAPPED, Code.SETTING_INVALID)),
    ErrorClass(
        "GL account missing, inactive or restricted",
        "Expensify INT860",
        (Code.SAGE_ACCOUNT_INVALID,),
        "The specified GL account '4000' : 'Revenue' is not valid. GL account is restricted by ...",
    ),
    ErrorClass("vendor on hold", "Expensify INT446", (Code.SAGE_VENDOR_ON_HOLD,)),
    ErrorClass(
        "customer or vendor not matched",
        "Alvys; Expensify INT149, INT664",
        (Code.PARTY_NOT_FOUND, Code.PARTY_AMBIGUOUS, Code.PARTY_UNNAMED, Code.VENDOR_UNMAPPED),
    ),
    ErrorClass(
        "customer or vendor missing or inactive in Sage",
        "Expensify INT149, INT664",
        (Code.SAGE_PARTY_INVALID,),
        "Invalid Vendor 'V-1' specified.",
    ),
    ErrorClass(
        "duplicate number or record",
        "Expensify INT149",
        (Code.SAGE_DUPLICATE_NUMBER,),
        "BL03002185: A transaction with that number already exists",
    ),
    ErrorClass(
        "permission",
        "Expensify INT043, INT245",
        (Code.SAGE_CONFIGURATION,),
        "PL04000005: You do not have permission for API operation CREATE",
    ),
    ErrorClass(
        "connection not initialising",
        "Alvys; Expensify INT122, INT907",
        (Code.SAGE_SIGN_IN, Code.SAGE_CONFIGURATION, Code.SAGE_UNAVAILABLE),
        "XL03000006: Sign-in information is incorrect",
    ),
    ErrorClass(
        "session or connection lost while a document is created",
        "Expensify INT176, INT993",
        (
            Code.OUTCOME_UNKNOWN,
            Code.EARLIER_REVISION_IN_DOUBT,
            Code.EXECUTED_BUT_NOT_FOUND,
            Code.REVERSED_IN_SAGE,
            Code.SOURCE_RECORD_PASSED,
        ),
    ),
    ErrorClass(
        "required custom field or Smart Rule",
        "Alvys; Expensify INT012, INT592",
        (Code.SAGE_SMART_RULE, Code.SAGE_REFUSED),
    ),
    ErrorClass("custom field too long", "Alvys", (Code.SAGE_REFUSED,)),
    ErrorClass("payment term not valid", "Alvys", (Code.SAGE_TERM_INVALID,), "The term name Net 99 is invalid"),
    ErrorClass(
        "cannot be changed because payments are applied",
        "Alvys",
        (Code.SAGE_PAYMENTS_APPLIED,),
        "There is no due on the bill",
    ),
    ErrorClass(
        "posted document changed; manual reversal",
        "Alvys",
        (Code.CHANGED_AFTER_POSTING, Code.CREDIT_CHANGED, Code.REVERSAL_DISABLED, Code.REVERSAL_ELSEWHERE),
    ),
    ErrorClass("sync paused", "Alvys", (Code.CONNECTION_PAUSED, Code.SIDE_DISABLED)),
    ErrorClass("credit", "Alvys", (Code.NEGATIVE_TOTAL, Code.CREDIT_LINES_MIXED)),
)
"""The classes, in the order in which accountants meet them."""


def classes_of(code: Code) -> tuple[ErrorClass, ...]:
    """List the error classes of a code; empty for a code that only this service has."""
    return tuple(each for each in CLASSES if code in each.codes)
