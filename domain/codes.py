"""The one table of codes: every refusal, deferral and skip the service can answer with, its cause and its fix.

A code is stable: dashboards, replays and people hang on it. docs/codes.md is generated from this table.
"""

from dataclasses import dataclass
from enum import StrEnum


class Class(StrEnum):
    """What a code means for the document."""

    SKIPPED = "skipped"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    DEAD = "dead letter"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why it happens and what to do."""

    outcome: Class
    cause: str
    fix: str


class Code(StrEnum):
    """Stable names; `explain` gives each its cause and fix."""

    # Events that break the contract: dead letters.
    UNDECODABLE = "UNDECODABLE"
    CONTRACT_BROKEN = "CONTRACT_BROKEN"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    WRONG_TOPIC = "WRONG_TOPIC"
    WRONG_KEY = "WRONG_KEY"
    EVENT_TOO_LARGE = "EVENT_TOO_LARGE"
    # Policy.
    NOT_CONNECTED = "NOT_CONNECTED"
    BEFORE_ACTIVATION = "BEFORE_ACTIVATION"
    SIDE_OFF = "SIDE_OFF"
    ZERO_TOTAL = "ZERO_TOTAL"
    DEDUCTED_FROM_DRIVER = "DEDUCTED_FROM_DRIVER"
    SUPERSEDED = "SUPERSEDED"
    MARKED_SYNCED = "MARKED_SYNCED"
    DRIVER_BILLS_OFF = "DRIVER_BILLS_OFF"
    NOT_A_1099_DRIVER = "NOT_A_1099_DRIVER"
    FUEL_OFF = "FUEL_OFF"
    TOLLS_OFF = "TOLLS_OFF"
    # Routing, triggers, grouped bills.
    # Waiting for a named thing.
    ACCOUNT_UNMAPPED = "ACCOUNT_UNMAPPED"
    SETTING_INVALID = "SETTING_INVALID"
    CONNECTION_PAUSED = "CONNECTION_PAUSED"
    VENDOR_UNMAPPED = "VENDOR_UNMAPPED"
    # Dimensions and custom fields.
    DIMENSION_MISSING = "DIMENSION_MISSING"
    DIMENSION_NEEDS_ID = "DIMENSION_NEEDS_ID"
    DIMENSION_NOT_ON_INVOICES = "DIMENSION_NOT_ON_INVOICES"
    DIMENSION_VALUE_UNKNOWN = "DIMENSION_VALUE_UNKNOWN"
    DIMENSION_VALUE_INACTIVE = "DIMENSION_VALUE_INACTIVE"
    DIMENSION_VALUE_NON_POSTING = "DIMENSION_VALUE_NON_POSTING"
    CUSTOM_FIELD_MISSING = "CUSTOM_FIELD_MISSING"
    CUSTOM_FIELD_UNUSABLE = "CUSTOM_FIELD_UNUSABLE"
    CUSTOM_FIELD_TOO_LONG = "CUSTOM_FIELD_TOO_LONG"
    SAGE_DIMENSION_MISSING = "SAGE_DIMENSION_MISSING"
    # Documents that contradict themselves.
    NO_LINES = "NO_LINES"
    TOO_MANY_LINES = "TOO_MANY_LINES"
    LINES_DO_NOT_ADD_UP = "LINES_DO_NOT_ADD_UP"
    CURRENCIES_MIXED = "CURRENCIES_MIXED"
    CURRENCY_UNKNOWN = "CURRENCY_UNKNOWN"
    AMOUNT_TOO_FINE = "AMOUNT_TOO_FINE"
    NEGATIVE_TOTAL = "NEGATIVE_TOTAL"
    CATEGORY_UNKNOWN = "CATEGORY_UNKNOWN"
    CATEGORY_WRONG_SIDE = "CATEGORY_WRONG_SIDE"
    NUMBER_UNUSABLE = "NUMBER_UNUSABLE"
    # Parties.
    PARTY_UNNAMED = "PARTY_UNNAMED"
    PARTY_NOT_FOUND = "PARTY_NOT_FOUND"
    PARTY_AMBIGUOUS = "PARTY_AMBIGUOUS"
    # Parties made, and terms.
    # Sage's answers.
    SAGE_REFUSED = "SAGE_REFUSED"
    SAGE_DUPLICATE_NUMBER = "SAGE_DUPLICATE_NUMBER"
    SAGE_PERIOD_CLOSED = "SAGE_PERIOD_CLOSED"
    SAGE_SIGN_IN = "SAGE_SIGN_IN"
    SAGE_CONFIGURATION = "SAGE_CONFIGURATION"
    SAGE_UNAVAILABLE = "SAGE_UNAVAILABLE"
    SAGE_REQUEST_INVALID = "SAGE_REQUEST_INVALID"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    EXECUTED_BUT_NOT_FOUND = "EXECUTED_BUT_NOT_FOUND"
    REVERSED_IN_SAGE = "REVERSED_IN_SAGE"
    EVENT_NOT_READ_AGAIN = "EVENT_NOT_READ_AGAIN"
    # Corrections of what stands in Sage.
    CHANGED_AFTER_POSTING = "CHANGED_AFTER_POSTING"

    @property
    def explanation(self) -> Explanation:
        """Cause and fix."""
        return EXPLANATIONS[self]


_D, _S, _W, _R, _U = Class.DEAD, Class.SKIPPED, Class.DEFERRED, Class.REJECTED, Class.UNCERTAIN

EXPLANATIONS: dict[Code, Explanation] = {
    Code.UNDECODABLE: Explanation(
        _D, "The record's value is not JSON in UTF-8.", "Mend the producer and send the event again."
    ),
    Code.CONTRACT_BROKEN: Explanation(
        _D,
        "A required field is missing or has the wrong type.",
        "Compare the event with docs/contract.md; send it again when it holds every required field.",
    ),
    Code.UNKNOWN_TYPE: Explanation(
        _D, "The event's type is not one this service reads.", "Send it to the topic of its own, or correct `type`."
    ),
    Code.UNKNOWN_VERSION: Explanation(
        _D, "The event's version is not one this service reads.", "Send it as version v1, or upgrade the service."
    ),
    Code.WRONG_TOPIC: Explanation(
        _D,
        "The event's type belongs on another topic.",
        "Send it to the topic that docs/contract.md names for its type.",
    ),
    Code.WRONG_KEY: Explanation(
        _D,
        "The record's key is not its document's key, so revisions of the document may lie in several partitions: each "
        "would be posted, since no two partitions know of each other.",
        "Send it with the document key that docs/contract.md gives for its type.",
    ),
    Code.EVENT_TOO_LARGE: Explanation(
        _D,
        "The record's value is larger than ALVYS_SAGE_LARGEST_EVENT_BYTES, so what has to be written about it may not "
        "fit in Kafka.",
        "Send it without what this service does not read, or split the document in Alvys; or raise that setting.",
    ),
    Code.NOT_CONNECTED: Explanation(
        _S,
        "The subsidiary has no connection to Sage Intacct, so nothing of it is exported.",
        "Connect the subsidiary; documents created after its activation are exported.",
    ),
    Code.BEFORE_ACTIVATION: Explanation(
        _S,
        "The document was created before the connection was activated; there is no backfill.",
        "Nothing to do; enter it in Sage Intacct by hand if it is wanted there.",
    ),
    Code.SIDE_OFF: Explanation(
        _S, "Invoices (AR) or bills (AP) are switched off for this subsidiary.", "Switch the side on and send again."
    ),
    Code.ZERO_TOTAL: Explanation(
        _S,
        "The document's total is zero; there is nothing to book.",
        "Nothing to do; a later revision that is not zero exports.",
    ),
    Code.DEDUCTED_FROM_DRIVER: Explanation(
        _S,
        "The amount is deducted from a driver and reaches Sage as a line of the driver's bill.",
        "Nothing to do; see the driver's statement.",
    ),
    Code.SUPERSEDED: Explanation(
        _S,
        "The record was read again, and a later revision of the document has been answered since.",
        "Nothing to do; the later revision is the one that counts.",
    ),
    Code.MARKED_SYNCED: Explanation(
        _S,
        "A person marked the document as synced: it is in Sage Intacct already, entered by hand.",
        "Nothing to do. If it was a mistake, `alvys-sage retry --document` takes the mark away.",
    ),
    Code.DRIVER_BILLS_OFF: Explanation(
        _S,
        "Include driver bills is off for this subsidiary.",
        "Switch Include driver bills on and send the statement again.",
    ),
    Code.NOT_A_1099_DRIVER: Explanation(
        _S,
        "Only statements of 1099 drivers are exported for this subsidiary.",
        "Switch 1099 drivers only off, if W2 drivers belong in Sage.",
    ),
    Code.FUEL_OFF: Explanation(
        _S, "Include fuel is off for this subsidiary.", "Switch Include fuel on and send the transaction again."
    ),
    Code.TOLLS_OFF: Explanation(
        _S, "Include tolls is off for this subsidiary.", "Switch Include tolls on and send the transaction again."
    ),
    # Routing, triggers, grouped bills.
    # Waiting for a named thing.
    Code.ACCOUNT_UNMAPPED: Explanation(
        _W,
        "No level of the account mapping answers for a line: not the item, not the category, not the master Default.",
        "Set the master Default account of that side (alvys-sage mappings set); the document then exports by itself.",
    ),
    Code.SETTING_INVALID: Explanation(
        _W,
        "A record in mapping-state cannot be read, so the accounts it stands for are not known.",
        "Write that key again (alvys-sage mappings set, or import); the document then exports by itself.",
    ),
    Code.CONNECTION_PAUSED: Explanation(
        _W, "The connection is paused.", "Resume the connection; the document then exports by itself."
    ),
    Code.VENDOR_UNMAPPED: Explanation(
        _W,
        "The fuel card or toll provider has no vendor in mapping-state.",
        "Set the provider's vendor, or the default one; the document then exports by itself.",
    ),
    # Dimensions and custom fields.
    Code.DIMENSION_MISSING: Explanation(
        _W,
        "A required dimension has no value on a line: the event does not give its Alvys field (or gives several "
        "different ones), and the dimension has no default.",
        "Set a default (alvys-sage dimensions set), or complete the load in Alvys and send the document again.",
    ),
    Code.DIMENSION_NEEDS_ID: Explanation(
        _W,
        "A user-defined dimension takes the whole-number id of its value, and what the line would carry is none.",
        "Map the value in Alvys to the id in Sage (alvys-sage dimensions value); the document then exports by itself.",
    ),
    Code.DIMENSION_NOT_ON_INVOICES: Explanation(
        _W,
        "The dimension has a value on an invoice line, and Sage Intacct documents it for bills only (user-defined "
        "dimensions, and Asset).",
        "Set `invoiceDimensions` of the connection: `leave-out`, or `custom-field` where your Sage takes user-defined "
        "dimensions as custom fields of invoice lines; or clear the dimension. The document then exports by itself.",
    ),
    Code.DIMENSION_VALUE_UNKNOWN: Explanation(
        _W,
        "Sage Intacct has no such value of the dimension; nothing was sent.",
        "Map the Alvys value to a value of Sage's (alvys-sage dimensions value), and the document exports by itself; "
        "or create it in Sage and ask again (alvys-sage retry).",
    ),
    Code.DIMENSION_VALUE_INACTIVE: Explanation(
        _W,
        "The dimension's value is inactive in Sage Intacct; nothing was sent.",
        "Map the Alvys value to an active one, and the document exports by itself; or activate it in Sage and ask "
        "again (alvys-sage retry).",
    ),
    Code.DIMENSION_VALUE_NON_POSTING: Explanation(
        _W,
        "The dimension's value is Active Non-Posting in Sage Intacct: it can be reported on, not posted to; nothing "
        "was sent.",
        "Map the Alvys value to one that can be posted to, and the document exports by itself; or change it in Sage "
        "and ask again (alvys-sage retry).",
    ),
    Code.CUSTOM_FIELD_MISSING: Explanation(
        _W,
        "A required custom field has no value: the event does not give its source, and the field has no default.",
        "Set a default (alvys-sage custom-fields set), or complete it in Alvys and send the document again.",
    ),
    Code.CUSTOM_FIELD_UNUSABLE: Explanation(
        _R,
        "What the event gives is no value of the custom field's type, or several different ones for a field that "
        "takes one, as a date on an invoice over several loads.",
        "Correct it in Alvys; or map the field on the item object, where each line has its own load, or as Text; then "
        "send the document again.",
    ),
    Code.CUSTOM_FIELD_TOO_LONG: Explanation(
        _R,
        "A custom field's value is longer than Sage Intacct takes, and `longValues` of the connection is `reject`.",
        "Shorten it in Alvys, or set `longValues` to `truncate`, and send the document again.",
    ),
    Code.SAGE_DIMENSION_MISSING: Explanation(
        _R,
        "Sage Intacct refused the document because a dimension that it requires is missing; it may be required by "
        "Spend Management and not be enabled for GL posting, and such a dimension cannot be mapped.",
        "Map the dimension (alvys-sage dimensions lists them). If it is not offered there, enable it for GL posting in "
        "Sage Intacct, or contact support. Then send the document again.",
    ),
    # Documents that contradict themselves.
    Code.NO_LINES: Explanation(_R, "The document has no lines.", "Correct it in Alvys and send it again."),
    Code.TOO_MANY_LINES: Explanation(
        _R,
        "The document has more lines than one request to Sage Intacct may carry (ALVYS_SAGE_LINES_PER_REQUEST).",
        "Split it in Alvys and send the parts, or raise that setting and send it again.",
    ),
    Code.LINES_DO_NOT_ADD_UP: Explanation(
        _R, "The lines' sum is not the document's total.", "Correct lines or total in Alvys and send it again."
    ),
    Code.CURRENCIES_MIXED: Explanation(
        _R, "The document's lines and total are in more than one currency.", "Split it by currency in Alvys."
    ),
    Code.CURRENCY_UNKNOWN: Explanation(
        _R, "The currency number is not one of ISO 4217 that this service knows.", "Correct the currency in Alvys."
    ),
    Code.AMOUNT_TOO_FINE: Explanation(
        _R,
        "An amount has more decimals than its currency; Sage would round it, and the total would change.",
        "Round the amounts in Alvys and send the document again.",
    ),
    Code.NEGATIVE_TOTAL: Explanation(
        _R,
        "The document's total is below zero, and credits are not exported.",
        "Enter the credit in Sage Intacct by hand.",
    ),
    Code.CATEGORY_UNKNOWN: Explanation(
        _R,
        "A line's own mapping names a category that is none of the nine.",
        "Correct the line's mapping and send it again.",
    ),
    Code.CATEGORY_WRONG_SIDE: Explanation(
        _R, "A line's category does not exist on this side (AR or AP).", "Correct the line's mapping and send it again."
    ),
    Code.NUMBER_UNUSABLE: Explanation(
        _R, "The document's number is empty or too long for Sage Intacct.", "Correct the number in Alvys."
    ),
    Code.PARTY_UNNAMED: Explanation(
        _R,
        "The event gives neither an External Accounting ID nor a name of the customer or vendor.",
        "Set the External Accounting ID on the profile in Alvys and send the document again.",
    ),
    Code.PARTY_NOT_FOUND: Explanation(
        _R,
        "No active record in Sage Intacct matches the customer or vendor.",
        "Create it in Sage, or set the External Accounting ID on the profile in Alvys, and send the document again.",
    ),
    Code.PARTY_AMBIGUOUS: Explanation(
        _R,
        "Several active records in Sage Intacct have the customer's or vendor's name.",
        "Set the External Accounting ID on the profile in Alvys and send the document again.",
    ),
    # Parties made, and terms.
    # Sage's answers.
    Code.SAGE_REFUSED: Explanation(
        _R,
        "Sage Intacct refused the document; its own words are in `sage.errors`.",
        "Correct what Sage names and send the document again.",
    ),
    Code.SAGE_DUPLICATE_NUMBER: Explanation(
        _R,
        "Another document in Sage Intacct carries this number, and it is not ours.",
        "Compare the two in Sage; give one of them another number.",
    ),
    Code.SAGE_PERIOD_CLOSED: Explanation(
        _R,
        "The document's date is in a closed period.",
        "Open the period in Sage, or date the document into an open one.",
    ),
    Code.SAGE_SIGN_IN: Explanation(
        _W,
        "Sage Intacct refused the company, user or password.",
        "Correct the credentials that the connection names; its documents then export by themselves.",
    ),
    Code.SAGE_CONFIGURATION: Explanation(
        _W,
        "Sage Intacct refuses the sender, the user's permissions or the tenant's set-up.",
        "Follow the prerequisites article: authorise the sender, give the user its role.",
    ),
    Code.SAGE_UNAVAILABLE: Explanation(
        _W,
        "Sage Intacct did not take requests for longer than the retries last.",
        "Nothing to do; it is tried again by itself.",
    ),
    Code.SAGE_REQUEST_INVALID: Explanation(
        _R,
        "Sage Intacct could not read our request: a defect of this service.",
        "Report it with the support id in the result.",
    ),
    Code.OUTCOME_UNKNOWN: Explanation(
        _U,
        "The connection broke after the document was sent; whether Sage booked it is not known yet.",
        "Nothing to do; it is looked up in Sage before anything is sent again.",
    ),
    Code.EXECUTED_BUT_NOT_FOUND: Explanation(
        _U,
        "Sage Intacct says that it has executed the call, yet holds no such document: it was deleted, or its number, "
        "customer or vendor was changed in Sage by hand. It is not sent again.",
        "If it belongs in the books, enter it in Sage Intacct as `detail` says; it is then found and taken over. If it "
        "was changed there, change it back.",
    ),
    Code.REVERSED_IN_SAGE: Explanation(
        _R,
        "The answer to the call was lost, and the document it made has been reversed in Sage Intacct by hand since.",
        "Nothing to do if that was meant. If it belongs in the books, enter it in Sage Intacct by hand, or change it "
        "in Alvys and send it again.",
    ),
    Code.EVENT_NOT_READ_AGAIN: Explanation(
        _R,
        "A call was about to be made for the document, it is proven not to have been executed, and the record it was "
        "made for will not be read again: the group's offset was moved past it, or its topic has deleted it.",
        "Replay that record (its topic, partition and offset are in `source`), or send the document again.",
    ),
    # Corrections of what stands in Sage.
    Code.CHANGED_AFTER_POSTING: Explanation(
        _R,
        "The document stands in Sage Intacct with other content; posting it again would book it twice.",
        "Correct the posted document in Sage Intacct by hand.",
    ),
}
