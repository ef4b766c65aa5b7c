"""The one table of codes: every refusal, deferral and skip the service can answer with, its cause and its fix.

Codes are stable, because dashboards, replays and people depend on them. docs/codes.md is generated from this table.
A code that was renamed is still read under its former name, wherever it is stored: see `FORMER_NAMES`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Class(StrEnum):
    """The outcome that a code stands for."""

    SKIPPED = "skipped"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    DEAD = "dead letter"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The cause of a code, and the fix: what a person can do about it."""

    outcome: Class
    cause: str
    fix: str


class Code(StrEnum):
    """The stable codes. `explanation` gives the cause and the fix of each.

    `Code(text)` takes a former name too, and gives the present code.
    """

    # Events that break the contract: dead letters.
    MALFORMED_JSON = "MALFORMED_JSON"
    SCHEMA_VIOLATION = "SCHEMA_VIOLATION"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    WRONG_TOPIC = "WRONG_TOPIC"
    WRONG_KEY = "WRONG_KEY"
    WRONG_PARTITION = "WRONG_PARTITION"
    EVENT_TOO_LARGE = "EVENT_TOO_LARGE"
    RECORDS_UNREADABLE = "RECORDS_UNREADABLE"
    SOURCE_RECORDS_EXPIRED = "SOURCE_RECORDS_EXPIRED"
    # Policy.
    NOT_CONNECTED = "NOT_CONNECTED"
    BEFORE_ACTIVATION = "BEFORE_ACTIVATION"
    SIDE_DISABLED = "SIDE_DISABLED"
    ZERO_TOTAL = "ZERO_TOTAL"
    WITHDRAWN = "WITHDRAWN"
    DEDUCTED_FROM_DRIVER = "DEDUCTED_FROM_DRIVER"
    SUPERSEDED = "SUPERSEDED"
    EVENT_TIME_AHEAD = "EVENT_TIME_AHEAD"
    EVENT_ID_REUSED = "EVENT_ID_REUSED"
    MARKED_SYNCED = "MARKED_SYNCED"
    DRIVER_BILLS_DISABLED = "DRIVER_BILLS_DISABLED"
    NOT_A_1099_DRIVER = "NOT_A_1099_DRIVER"
    FUEL_DISABLED = "FUEL_DISABLED"
    TOLLS_DISABLED = "TOLLS_DISABLED"
    # Routing, triggers, consolidated bills.
    ROUTING_CONTRADICTS = "ROUTING_CONTRADICTS"
    CARRIER_STATEMENTS_ENABLED = "CARRIER_STATEMENTS_ENABLED"
    CARRIER_STATEMENTS_DISABLED = "CARRIER_STATEMENTS_DISABLED"
    TRIGGER_NOT_IN_FORCE = "TRIGGER_NOT_IN_FORCE"
    BILLED_UNDER_OTHER_KEY = "BILLED_UNDER_OTHER_KEY"
    BILLED_OTHERWISE = "BILLED_OTHERWISE"
    BILL_IN_DOUBT = "BILL_IN_DOUBT"
    ALL_LINES_DISABLED = "ALL_LINES_DISABLED"
    CROSS_SUBSIDIARY_DISABLED = "CROSS_SUBSIDIARY_DISABLED"
    INTERCOMPANY_UNMAPPED = "INTERCOMPANY_UNMAPPED"
    GROUPED = "GROUPED"
    TRANSACTION_DATE_OUT_OF_RANGE = "TRANSACTION_DATE_OUT_OF_RANGE"
    CONSOLIDATED_BILL_INVALID = "CONSOLIDATED_BILL_INVALID"
    # Waiting for a setting.
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
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    DUE_BEFORE_DATE = "DUE_BEFORE_DATE"
    REFERENCE_TOO_LONG = "REFERENCE_TOO_LONG"
    LINES_CANCEL_OUT = "LINES_CANCEL_OUT"
    NEGATIVE_TOTAL = "NEGATIVE_TOTAL"
    CREDIT_LINES_MIXED = "CREDIT_LINES_MIXED"
    CREDIT_CHANGED = "CREDIT_CHANGED"
    CATEGORY_UNKNOWN = "CATEGORY_UNKNOWN"
    CATEGORY_WRONG_SIDE = "CATEGORY_WRONG_SIDE"
    NUMBER_UNUSABLE = "NUMBER_UNUSABLE"
    # Parties.
    PARTY_UNNAMED = "PARTY_UNNAMED"
    PARTY_NOT_FOUND = "PARTY_NOT_FOUND"
    PARTY_AMBIGUOUS = "PARTY_AMBIGUOUS"
    # Created parties, and terms.
    PARTY_INACTIVE = "PARTY_INACTIVE"
    PARTY_NOT_CREATED = "PARTY_NOT_CREATED"
    TERM_NOT_FOUND = "TERM_NOT_FOUND"
    CARRIER_NUMBER_FIELD_UNSET = "CARRIER_NUMBER_FIELD_UNSET"
    # Sage's answers.
    SAGE_REFUSED = "SAGE_REFUSED"
    SAGE_ZERO_TOTAL = "SAGE_ZERO_TOTAL"
    SAGE_DUPLICATE_NUMBER = "SAGE_DUPLICATE_NUMBER"
    SAGE_PERIOD_CLOSED = "SAGE_PERIOD_CLOSED"
    SAGE_PARTY_INVALID = "SAGE_PARTY_INVALID"
    SAGE_VENDOR_ON_HOLD = "SAGE_VENDOR_ON_HOLD"
    SAGE_ACCOUNT_INVALID = "SAGE_ACCOUNT_INVALID"
    SAGE_DIMENSION_INVALID = "SAGE_DIMENSION_INVALID"
    SAGE_TERM_INVALID = "SAGE_TERM_INVALID"
    SAGE_SMART_RULE = "SAGE_SMART_RULE"
    SAGE_PAYMENTS_APPLIED = "SAGE_PAYMENTS_APPLIED"
    SAGE_SIGN_IN = "SAGE_SIGN_IN"
    SAGE_CONFIGURATION = "SAGE_CONFIGURATION"
    SAGE_FIELD_MISSING = "SAGE_FIELD_MISSING"
    SAGE_ENDPOINT_REFUSED = "SAGE_ENDPOINT_REFUSED"
    SAGE_REDIRECTS = "SAGE_REDIRECTS"
    SAGE_UNAVAILABLE = "SAGE_UNAVAILABLE"
    COMPANY_BACKLOG = "COMPANY_BACKLOG"
    SAGE_REQUEST_INVALID = "SAGE_REQUEST_INVALID"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    EARLIER_REVISION_IN_DOUBT = "EARLIER_REVISION_IN_DOUBT"
    EXECUTED_BUT_NOT_FOUND = "EXECUTED_BUT_NOT_FOUND"
    REVERSED_IN_SAGE = "REVERSED_IN_SAGE"
    SOURCE_RECORD_PASSED = "SOURCE_RECORD_PASSED"
    # Corrections of records in Sage.
    CHANGED_AFTER_POSTING = "CHANGED_AFTER_POSTING"
    CORRECTION_UNDER_WAY = "CORRECTION_UNDER_WAY"
    POSTED_DOCUMENT_PAID = "POSTED_DOCUMENT_PAID"
    POSTED_DOCUMENT_SELECTED = "POSTED_DOCUMENT_SELECTED"
    POSTED_DOCUMENT_CLOSED = "POSTED_DOCUMENT_CLOSED"
    POSTED_DOCUMENT_IN_APPROVAL = "POSTED_DOCUMENT_IN_APPROVAL"
    POSTED_DOCUMENT_STATE_UNKNOWN = "POSTED_DOCUMENT_STATE_UNKNOWN"
    POSTED_DOCUMENT_NOT_FOUND = "POSTED_DOCUMENT_NOT_FOUND"
    POSTED_DOCUMENT_NOT_SHOWN = "POSTED_DOCUMENT_NOT_SHOWN"
    CORRECTION_REFUSED = "CORRECTION_REFUSED"
    CORRECTION_NOT_PERMITTED = "CORRECTION_NOT_PERMITTED"
    REVERSAL_DISABLED = "REVERSAL_DISABLED"
    REVERSAL_ELSEWHERE = "REVERSAL_ELSEWHERE"
    REVERSAL_DATE = "REVERSAL_DATE"
    CORRECTION_NOT_CONFIRMED = "CORRECTION_NOT_CONFIRMED"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        present = FORMER_NAMES.get(value) if isinstance(value, str) else None
        return None if present is None else cls(present)

    @property
    def explanation(self) -> Explanation:
        """The outcome, cause and fix of this code."""
        return EXPLANATIONS[self]

    @property
    def former_name(self) -> str | None:
        """The name that this code had in the version before. None: it has always had the present one."""
        return next((former for former, present in FORMER_NAMES.items() if present == self), None)


FORMER_NAMES: dict[str, str] = {
    "UNDECODABLE": "MALFORMED_JSON",
    "CONTRACT_BROKEN": "SCHEMA_VIOLATION",
    "SIDE_OFF": "SIDE_DISABLED",
    "FUEL_OFF": "FUEL_DISABLED",
    "TOLLS_OFF": "TOLLS_DISABLED",
    "DRIVER_BILLS_OFF": "DRIVER_BILLS_DISABLED",
    "ALL_LINES_OFF": "ALL_LINES_DISABLED",
    "CARRIER_STATEMENTS_ON": "CARRIER_STATEMENTS_ENABLED",
    "CARRIER_STATEMENTS_OFF": "CARRIER_STATEMENTS_DISABLED",
    "CROSS_SUBSIDIARY_OFF": "CROSS_SUBSIDIARY_DISABLED",
    "REVERSAL_OFF": "REVERSAL_DISABLED",
    "ROW_OUT_OF_TIME": "TRANSACTION_DATE_OUT_OF_RANGE",
    "ROWS_DO_NOT_BELONG": "CONSOLIDATED_BILL_INVALID",
    "OTHER_TRIGGER": "TRIGGER_NOT_IN_FORCE",
    "EVENT_NOT_READ_AGAIN": "SOURCE_RECORD_PASSED",
    "CORRECTION_CONTRADICTED": "CORRECTION_NOT_CONFIRMED",
    "STANDING_PAID": "POSTED_DOCUMENT_PAID",
    "STANDING_SELECTED": "POSTED_DOCUMENT_SELECTED",
    "STANDING_CLOSED": "POSTED_DOCUMENT_CLOSED",
    "STANDING_IN_APPROVAL": "POSTED_DOCUMENT_IN_APPROVAL",
    "STANDING_STATE_UNKNOWN": "POSTED_DOCUMENT_STATE_UNKNOWN",
    "STANDING_NOT_FOUND": "POSTED_DOCUMENT_NOT_FOUND",
}
"""Codes that were renamed: the former name, and the present one.

Ledgers, results, dead letters and commands of the version before hold the former names. This table is the only place
that knows both: `Code(text)` and `present_name(text)` look here, so a stored code is equal to the present one as soon
as it is read. Nothing is written under a former name.
"""


def present_name(code: str) -> str:
    """The present name of a code that is read as text. A text that is no former name is returned as it is."""
    return FORMER_NAMES.get(code, code)


_D, _S, _W, _R, _U = Class.DEAD, Class.SKIPPED, Class.DEFERRED, Class.REJECTED, Class.UNCERTAIN

EXPLANATIONS: dict[Code, Explanation] = {
    Code.MALFORMED_JSON: Explanation(
        _D, "The record's value is not JSON in UTF-8.", "Mend the producer and send the event again."
    ),
    Code.SCHEMA_VIOLATION: Explanation(
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
    Code.WRONG_PARTITION: Explanation(
        _D,
        "The record stands in a partition that is not its key's, by the topic's partitioner (ALVYS_SAGE_PARTITIONER, "
        "else what was learned) and the partition count that its ledger began with. A producer has another one, "
        "or partitions were added: other revisions of the document are in another partition, and each would be posted.",
        "Have all producers use one partitioner (docs/contract.md lists what clients do unless told otherwise), and "
        "send the event again. If it is the service that has the wrong one: `alvys-sage topics --partitioner`, then "
        "`alvys-sage dead-letters replay --code WRONG_PARTITION`.",
    ),
    Code.EVENT_TOO_LARGE: Explanation(
        _D,
        "The record's value is larger than ALVYS_SAGE_LARGEST_EVENT_BYTES, so what has to be written about it may not "
        "fit in Kafka.",
        "Send it without what this service does not read, or split the document in Alvys; or raise that setting.",
    ),
    Code.RECORDS_UNREADABLE: Explanation(
        _D,
        "Kafka gave bytes in which no records can be read, three times: a checksum is wrong, the compression is "
        "unknown, the batch is broken or too large when it is decompressed. The dead letter stands for all records "
        "from its offset to `alvys-sage-last-offset`, and holds the batch as it came.",
        "Mend what `detail` names (a broker's disk, a mirror, a producer), then read the topic again from the offset: "
        "`alvys-sage replay`. What was posted meanwhile is not posted again. If the bytes are lost, have the producer "
        "send the events again.",
    ),
    Code.SOURCE_RECORDS_EXPIRED: Explanation(
        _D,
        "Records were deleted from the topic, by its retention or by hand, before they were read, and a person has "
        "accepted that. The dead letter is empty. It stands for all of them, from its offset to "
        "`alvys-sage-last-offset`.",
        "Have the producer send the events of that time again. What was posted is not posted again. Then find out why "
        "nobody read the topic for so long, or lengthen its retention.",
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
    Code.SIDE_DISABLED: Explanation(
        _S,
        "Invoices (AR) or bills (AP) are switched off for this subsidiary.",
        "Switch the side on (alvys-sage connections resume, --side) and send again.",
    ),
    Code.ZERO_TOTAL: Explanation(
        _S,
        "Every line of the document is zero; there is nothing to book.",
        "Nothing to do; a later revision that is not zero exports.",
    ),
    Code.WITHDRAWN: Explanation(
        _S,
        "The document was withdrawn in Alvys: what stood of it in Sage Intacct is reversed (or deleted where it was a "
        "draft), and nothing of it is booked.",
        "Nothing to do; if it is made again under the same number, the new event is exported.",
    ),
    Code.DEDUCTED_FROM_DRIVER: Explanation(
        _S,
        "The amount is deducted from a driver and reaches Sage as a line of the driver's bill.",
        "Nothing to do; see the driver's statement.",
    ),
    Code.SUPERSEDED: Explanation(
        _S,
        "The event is older, by its `timestamp` and then its `id`, than one of the document that was answered or sent "
        "already; or it was delivered again, and a newer one has been answered since.",
        "Nothing to do; the newest event is the one that counts. If the older content is right after all, send the "
        "document again from Alvys: as a new event, with a new id and the present time.",
    ),
    Code.EVENT_TIME_AHEAD: Explanation(
        _R,
        "The event's `timestamp` is more than a day ahead of the present: the clock of its producer is wrong, and "
        "whether the event is newer than others of the document cannot be known. What stands in Sage is left alone.",
        "Set the producer's clock and send the document again, as a new event with the present time; or, if this "
        "event is known to be the newest, `alvys-sage retry` exports it, unless another event of the document waits.",
    ),
    Code.EVENT_ID_REUSED: Explanation(
        _R,
        "The newest event of the document has the same `id` and `timestamp`, and other content: which of the two is "
        "true cannot be known. What stands in Sage is left alone.",
        "Let the producer give each event an id of its own, and send the document again; or, if this content is the "
        "true one, `alvys-sage retry` exports it, unless another event of the document waits.",
    ),
    Code.MARKED_SYNCED: Explanation(
        _S,
        "A person marked the document as synced: it is in Sage Intacct already, entered by hand.",
        "Nothing to do. If it was a mistake, `alvys-sage retry --document` takes the mark away.",
    ),
    Code.DRIVER_BILLS_DISABLED: Explanation(
        _S,
        "Include driver bills is off for this subsidiary.",
        "Switch Include driver bills on (alvys-sage connections set, ap.includeDriverBills=true) and send it again.",
    ),
    Code.NOT_A_1099_DRIVER: Explanation(
        _S,
        "Only statements of 1099 drivers are exported for this subsidiary.",
        "If W2 drivers belong in Sage, switch 1099 drivers only off (alvys-sage connections set, "
        "ap.only1099Drivers=false).",
    ),
    Code.FUEL_DISABLED: Explanation(
        _S,
        "Include fuel is off for this subsidiary.",
        "Switch Include fuel on (alvys-sage connections set, ap.includeFuel=true) and send the transaction again.",
    ),
    Code.TOLLS_DISABLED: Explanation(
        _S,
        "Include tolls is off for this subsidiary.",
        "Switch Include tolls on (alvys-sage connections set, ap.includeTolls=true) and send the transaction again.",
    ),
    # Routing, triggers, consolidated bills.
    Code.ROUTING_CONTRADICTS: Explanation(
        _R,
        "The event names one subsidiary as its own and another one in Invoice As, Tender As or intercompany, so it is "
        "not certain in whose books it belongs.",
        "Correct Invoice As or Tender As in Alvys, or the event's subsidiary, and send it again.",
    ),
    Code.CARRIER_STATEMENTS_ENABLED: Explanation(
        _S,
        "Carrier bills of this subsidiary come from carrier statements only (Export Carrier Statements is on).",
        "Nothing to do; the trip's cost is booked with the carrier's statement.",
    ),
    Code.CARRIER_STATEMENTS_DISABLED: Explanation(
        _S,
        "Carrier bills of this subsidiary come from the trips' own bills (Export Carrier Statements is off).",
        "Nothing to do, or switch Export Carrier Statements on (alvys-sage connections set, "
        "ap.exportCarrierStatements=true), once no trip on a statement has a bill of its own.",
    ),
    Code.TRIGGER_NOT_IN_FORCE: Explanation(
        _S,
        "Carrier bills of this subsidiary are exported at the other moment: on the customer's invoice, or on the "
        "upload of the carrier's invoice (Send Carrier Invoice Upon Upload).",
        "Nothing to do; the bill is exported when the event of that moment comes.",
    ),
    Code.BILLED_UNDER_OTHER_KEY: Explanation(
        _S,
        "The trip's bill stands in Sage Intacct under its other document key, with the same vendor, number and total: "
        "one event named the trip by its id, another one by its number alone.",
        "Nothing to do. Let every producer send `trip.id`; changes of this bill have to come under the key that it was "
        "posted with.",
    ),
    Code.BILLED_OTHERWISE: Explanation(
        _R,
        "The trip's bill stands in Sage Intacct under its other document key (one event named the trip by its id, "
        "another one by its number alone), and with another total; or this event takes it back. Nothing is booked.",
        "If this event is right, reverse the record that `detail` names in Sage Intacct by hand, then `alvys-sage "
        "retry`, or where it takes the bill back `alvys-sage mark-synced`; if it is another trip of the same number, "
        "send it with its `trip.id`.",
    ),
    Code.BILL_IN_DOUBT: Explanation(
        _W,
        "The trip's bill was sent under its other document key (one event named the trip by its id, another one by its "
        "number alone), and whether Sage Intacct booked it is not known yet.",
        "Nothing to do; once that is known, this document goes on by itself. Let every producer send `trip.id`.",
    ),
    Code.ALL_LINES_DISABLED: Explanation(
        _S,
        "Every line of the document is of a kind that is switched off for this subsidiary.",
        "Nothing to do, or switch on the kinds that `detail` names (alvys-sage connections set) and send the document "
        "again.",
    ),
    Code.CROSS_SUBSIDIARY_DISABLED: Explanation(
        _S,
        "Cross-subsidiary billing is not on in both subsidiaries, so no intercompany document is exported.",
        "Switch Cross Subsidiary Billing on in both connections (alvys-sage connections set, crossSubsidiary=true) and "
        "send the document again.",
    ),
    Code.INTERCOMPANY_UNMAPPED: Explanation(
        _W,
        "The other subsidiary has no customer or vendor in mapping-state.",
        "Set `{subsidiary}/intercompany/{other subsidiary}` (alvys-sage mappings intercompany); the document then "
        "exports by itself.",
    ),
    Code.GROUPED: Explanation(
        _S,
        "The fuel or toll transaction becomes a line of the bill of its provider and day, which `detail` names.",
        "Nothing to do; see the result of that bill.",
    ),
    Code.TRANSACTION_DATE_OUT_OF_RANGE: Explanation(
        _R,
        "A fuel or toll transaction that is a line of its day's bill changed, and the change came more than 60 days "
        "after its day, or its day is ahead: bills of such days are not changed.",
        "Correct the bill of the provider and day in Sage Intacct by hand.",
    ),
    Code.CONSOLIDATED_BILL_INVALID: Explanation(
        _R,
        "A row of the consolidated bill is of another subsidiary, provider, day or currency, is deducted, or is there "
        "twice.",
        "Correct the event and send it again.",
    ),
    # Waiting for a setting.
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
        _W,
        "The connection is paused.",
        "Resume the connection (alvys-sage connections resume); the document then exports by itself.",
    ),
    Code.VENDOR_UNMAPPED: Explanation(
        _W,
        "The fuel card or toll provider has no vendor in mapping-state.",
        "Set the provider's vendor, or the default one (alvys-sage mappings vendor); the document then exports by "
        "itself.",
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
        "Set `invoiceDimensions` (alvys-sage connections set): `leave-out`, or `custom-field` where your Sage takes "
        "user-defined dimensions as custom fields of invoice lines; or clear the dimension. The document then exports "
        "by itself.",
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
        "Correct it in Alvys and send the document again; or map the field (alvys-sage custom-fields set) on the item "
        "object, where each line has its own load, or as Text: the document then goes by itself.",
    ),
    Code.CUSTOM_FIELD_TOO_LONG: Explanation(
        _R,
        "A custom field's value is longer than Sage Intacct takes, and `longValues` of the connection is `reject`.",
        "Shorten it in Alvys and send the document again; or set longValues=truncate (alvys-sage connections set), and "
        "the document goes by itself.",
    ),
    Code.SAGE_DIMENSION_MISSING: Explanation(
        _R,
        "Sage Intacct refused the document because a dimension that it requires is missing; it may be required by "
        "Spend Management and not be enabled for GL posting, and such a dimension cannot be mapped.",
        "Map the dimension (alvys-sage dimensions lists them). If it is not offered there, enable it for GL posting in "
        "Sage Intacct, or contact support. When a key that `blockedBy` names is set, the document goes by itself; else "
        "send it again.",
    ),
    # Documents that contradict themselves.
    Code.NO_LINES: Explanation(
        _R,
        "The document has no lines. What stands of it in Sage Intacct is left as it is.",
        "Correct it in Alvys and send it again; if it was withdrawn, send it with `withdrawn` (docs/contract.md).",
    ),
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
        "An amount has more decimals than its currency, or than the two that Sage Intacct keeps (of dinars the third "
        "counts); Sage would round it, and the total would change.",
        "Round the amounts in Alvys and send the document again.",
    ),
    Code.AMOUNT_TOO_LARGE: Explanation(
        _R,
        "An amount has more digits than Sage Intacct is known to take: 14 characters with the point and the cents.",
        "Correct the amount in Alvys, or split the document, and send it again.",
    ),
    Code.DUE_BEFORE_DATE: Explanation(
        _R,
        "The document is due before its own date; Sage Intacct refuses that.",
        "Correct the due date or the document's date in Alvys and send it again.",
    ),
    Code.REFERENCE_TOO_LONG: Explanation(
        _R,
        "The PO number of an invoice, or the reference of a bill, is longer than Sage Intacct takes, and `longValues` "
        "of the connection is `reject`.",
        "Shorten it in Alvys, or set longValues=truncate (alvys-sage connections set), and send the document again.",
    ),
    Code.LINES_CANCEL_OUT: Explanation(
        _R,
        "The document's lines cancel out: its total is zero, but its lines are not, and `zeroTotals` of the connection "
        "is `refuse`.",
        "Enter the lines in Sage Intacct by hand (a journal entry) and mark the document as synced; or set "
        "`zeroTotals` to `export` and send the document again.",
    ),
    Code.NEGATIVE_TOTAL: Explanation(
        _R,
        "The document's total is below zero, and the connection does not export credits of that side.",
        "Switch ar.creditMemos (invoices) or ap.vendorCredits (bills) on (alvys-sage connections set) and ask for it "
        "again (alvys-sage retry), or enter the credit in Sage Intacct by hand and mark the document as synced.",
    ),
    Code.CREDIT_LINES_MIXED: Explanation(
        _R,
        "The document's total is below zero, and some of its lines are above zero. Sage Intacct takes the lines of an "
        "adjustment all negative or all positive, not mixed.",
        "Enter the credit in Sage Intacct by hand and mark the document as synced, or split it in Alvys.",
    ),
    Code.CREDIT_CHANGED: Explanation(
        _R,
        "The document stands in Sage Intacct as a credit with other content. Sage Intacct documents no function of the "
        "XML gateway that reverses an adjustment, so it is not corrected by itself.",
        "Reverse the adjustment in Sage Intacct by hand (Adjustments, Reverse), then `alvys-sage retry`: it is then "
        "posted anew. Or correct it there by hand and mark the document as synced.",
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
        _R, "The document's number has no letter and no digit.", "Correct the number in Alvys."
    ),
    Code.PARTY_UNNAMED: Explanation(
        _R,
        "The event gives neither an External Accounting ID nor a name of the customer or vendor.",
        "Set the External Accounting ID on the profile in Alvys and send the document again.",
    ),
    Code.PARTY_NOT_FOUND: Explanation(
        _R,
        "Sage Intacct has no customer or vendor of the External Accounting ID, or none that matches where none is set.",
        "Create it in Sage, or set the External Accounting ID on the profile in Alvys, and send the document again. "
        "Where `blockedBy` names a key, a mapping named it: correct that, and the document goes by itself.",
    ),
    Code.PARTY_AMBIGUOUS: Explanation(
        _R,
        "Several active records in Sage Intacct have the customer's or vendor's name, or the carrier's number; or the"
        " record of that name has another MC, USDOT or tax number.",
        "Set the External Accounting ID on the profile in Alvys, or put the number in Sage right, and send the document"
        " again.",
    ),
    # Created parties, and terms.
    Code.PARTY_INACTIVE: Explanation(
        _R,
        "The customer or vendor that the document names is inactive in Sage Intacct.",
        "Activate it in Sage, or set the External Accounting ID of another one on the profile in Alvys, and send the "
        "document again. Where `blockedBy` names a key, a mapping named it: correct that, and it goes by itself.",
    ),
    Code.PARTY_NOT_CREATED: Explanation(
        _R,
        "Sage Intacct has no such customer or vendor, and refused to make it; its own words are in `detail`.",
        "Correct what Sage names on the profile in Alvys, or create the record in Sage by hand, and send the document "
        "again.",
    ),
    Code.TERM_NOT_FOUND: Explanation(
        _R,
        "Sage Intacct has neither the payment term of the profile nor the connection's fallback, or gives no plain "
        "number of days for it.",
        "Add the term in Sage and send the document again; or set terms.fallback to one that is there (alvys-sage "
        "connections set), and the document goes by itself.",
    ),
    Code.CARRIER_NUMBER_FIELD_UNSET: Explanation(
        _W,
        "Carriers are to be linked by MC or USDOT number, but the connection does not say which field of a vendor in "
        "Sage Intacct holds it.",
        "Set ap.carrierNumberField to that field's integration name (alvys-sage connections set); the document then "
        "exports by itself.",
    ),
    # Sage's answers.
    Code.SAGE_REFUSED: Explanation(
        _R,
        "Sage Intacct refused the document; its own words are in `sage.errors`.",
        "Correct what Sage names and send the document again.",
    ),
    Code.SAGE_ZERO_TOTAL: Explanation(
        _R,
        "Sage Intacct refused a document whose lines cancel out to a total of zero; its own words are in "
        "`sage.errors`. Whether it takes such a document is documented nowhere.",
        "If the total of zero is what it refuses: enter the lines in Sage by hand (a journal entry), mark the document "
        "as synced, and set `zeroTotals` of the connection to `refuse`. Else correct what Sage names and send the "
        "document again.",
    ),
    Code.SAGE_DUPLICATE_NUMBER: Explanation(
        _R,
        "Another document in Sage Intacct carries this number, and it is not ours.",
        "Compare the two in Sage; give one of them another number.",
    ),
    Code.SAGE_PERIOD_CLOSED: Explanation(
        _R,
        "The document's date is in a closed period; with `closedPeriod` first-open-day, no day up to today is open.",
        "Open the period in Sage, date the document into an open one, or set closedPeriod=first-open-day (alvys-sage "
        "connections set); then send it again.",
    ),
    Code.SAGE_PARTY_INVALID: Explanation(
        _R,
        "The customer or vendor does not exist in Sage Intacct, or is inactive there.",
        "Create or activate it in Sage, or correct the External Accounting ID on the profile in Alvys; then send the "
        "document again. Where `blockedBy` names a key, a mapping named it: correct that, and it goes by itself.",
    ),
    Code.SAGE_VENDOR_ON_HOLD: Explanation(
        _R,
        "The vendor is on hold in Sage Intacct.",
        "Take the hold away in Sage (vendor, Additional Info, On Hold) and send the document again.",
    ),
    Code.SAGE_ACCOUNT_INVALID: Explanation(
        _R,
        "A GL account of the document does not exist in Sage Intacct, is inactive, or is restricted there.",
        "Map the lines to another account (alvys-sage mappings set), and the document goes by itself; or activate it "
        "or lift the restriction in Sage and send the document again.",
    ),
    Code.SAGE_DIMENSION_INVALID: Explanation(
        _R,
        "A dimension's value on a line does not exist in Sage Intacct, is inactive, or is not allowed there.",
        "Map it to another value (alvys-sage dimensions value), and the document goes by itself; or create or activate "
        "it in Sage and send the document again.",
    ),
    Code.SAGE_TERM_INVALID: Explanation(
        _R,
        "The payment term does not exist in Sage Intacct, or is inactive.",
        "Set terms.fallback to one that is there (alvys-sage connections set), and the document goes by itself; or "
        "create or activate the term in Sage and send the document again.",
    ),
    Code.SAGE_SMART_RULE: Explanation(
        _R,
        "A Smart Rule of the company refuses the document; its words are in `sage.errors`.",
        "Do what the rule asks for, or change it in Sage (Customization Services); then send the document again.",
    ),
    Code.SAGE_PAYMENTS_APPLIED: Explanation(
        _R,
        "Payments are applied to the document in Sage Intacct, so it cannot be changed.",
        "Remove the payment in Sage and send the document again.",
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
    Code.SAGE_FIELD_MISSING: Explanation(
        _W,
        "Sage Intacct does not show a field that this service cannot do without: the company lacks a subscription, or "
        "the user may not read it. The detail names the object and the field.",
        "Give the user's role the permission to read the object, or switch the subscription on; it is tried again by "
        "itself.",
    ),
    Code.SAGE_ENDPOINT_REFUSED: Explanation(
        _W,
        "The gateway named an address for the session that is outside its own domain or without TLS; our passwords do "
        "not go there, so nothing was sent.",
        "Check ALVYS_SAGE_GATEWAY_URL. If the address that `detail` names is Sage Intacct's, set "
        "ALVYS_SAGE_ENDPOINT_DOMAIN to its domain and start the worker again; the documents then export by themselves.",
    ),
    Code.SAGE_REDIRECTS: Explanation(
        _W,
        "The gateway's address redirects requests to another one; redirects are never followed, since passwords would "
        "go with them.",
        "Set ALVYS_SAGE_GATEWAY_URL to the address that `detail` names, if that is Sage Intacct's, and start the "
        "worker again; the documents then export by themselves.",
    ),
    Code.SAGE_UNAVAILABLE: Explanation(
        _W,
        "Sage Intacct did not take requests for longer than the retries last.",
        "Nothing to do; it is tried again by itself.",
    ),
    Code.COMPANY_BACKLOG: Explanation(
        _W,
        "More documents of its Sage company wait than the company takes at once. Others are not held up by them.",
        "Nothing to do; it is sent in its turn, oldest first. If the backlog does not shrink, look at how long Sage "
        "Intacct takes for a request.",
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
    Code.EARLIER_REVISION_IN_DOUBT: Explanation(
        _W,
        "It is not known yet whether Sage Intacct booked an earlier revision of the document.",
        "Nothing to do; this revision follows as soon as the outcome of the earlier one is known. A later revision "
        "takes its place.",
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
    Code.SOURCE_RECORD_PASSED: Explanation(
        _R,
        "A call was about to be made for the document, it is proven not to have been executed, and the record it was "
        "made for will not be read again: the group's offset was moved past it, or its topic has deleted it.",
        "Replay that record (its topic, partition and offset are in `source`), or send the document again.",
    ),
    # Corrections of records in Sage.
    Code.CHANGED_AFTER_POSTING: Explanation(
        _R,
        "The document stands in Sage Intacct with other content and is not corrected by itself: a person marked it as "
        "synced or changed it in Sage, or the settings no longer let it be exported.",
        "Correct the document in Sage Intacct by hand, or change the setting that `detail` names and retry.",
    ),
    Code.CORRECTION_UNDER_WAY: Explanation(
        _W,
        "What stood in Sage Intacct was reversed, or its draft deleted, and the corrected document is posted next.",
        "Nothing to do; it goes on by itself, whichever worker owns the document.",
    ),
    Code.POSTED_DOCUMENT_PAID: Explanation(
        _R,
        "The document changed, and what stands in Sage Intacct is paid, in full or in part; it may not be reversed.",
        "Remove the payment in Sage Intacct, then `alvys-sage retry`; it is then reversed, and posted anew unless "
        "nothing of it is to be booked any more.",
    ),
    Code.POSTED_DOCUMENT_SELECTED: Explanation(
        _R,
        "The document changed, and what stands in Sage Intacct is selected for payment.",
        "Reverse it by hand in Sage Intacct, or take it out of the payment run, then `alvys-sage retry`.",
    ),
    Code.POSTED_DOCUMENT_CLOSED: Explanation(
        _R,
        "The document changed, and what stands in Sage Intacct is closed; it cannot be changed there.",
        "Ask Alvys support; enter the difference in Sage Intacct by hand and mark the document as synced.",
    ),
    Code.POSTED_DOCUMENT_IN_APPROVAL: Explanation(
        _R,
        "The document changed, and what stands in Sage Intacct is in approval, or was declined there.",
        "Approve it or recall it to a draft in Sage Intacct, then `alvys-sage retry`; it is then corrected.",
    ),
    Code.POSTED_DOCUMENT_STATE_UNKNOWN: Explanation(
        _R,
        "The document changed, and what stands in Sage Intacct is in a state, or of a kind, that this service does not "
        "correct.",
        "Reverse it by hand in Sage Intacct, then `alvys-sage retry`; it is then posted anew.",
    ),
    Code.POSTED_DOCUMENT_NOT_FOUND: Explanation(
        _R,
        "The document changed, and Sage Intacct shows no record under the number it was posted with: it was deleted, "
        "or the user may no longer see it, and then to post it anew would book it twice.",
        "Look for the record in Sage Intacct, all entities included. If it is gone, `alvys-sage retry` posts the "
        "document anew; if it is there, let the user see it, then retry twice.",
    ),
    Code.POSTED_DOCUMENT_NOT_SHOWN: Explanation(
        _W,
        "The document changed soon after it was posted, and Sage Intacct does not show its record yet: its reads may "
        "lag behind.",
        "Nothing to do; it is asked for again by itself. If it is still not shown when the lease of its posting has "
        "ended (some 20 minutes), the document is refused as `POSTED_DOCUMENT_NOT_FOUND`.",
    ),
    Code.CORRECTION_REFUSED: Explanation(
        _R,
        "Sage Intacct refused to update, reverse or delete what stands there; its own words are in `sage.errors`. An "
        "unpaid document can be reversed only where the company enables that, by a user with the Reverse permission "
        "and without location restrictions, at the level that owns it, and not once it was reconciled.",
        "Correct what Sage names, or reverse the record by hand in Sage Intacct, then `alvys-sage retry`. Reversal of "
        "unpaid documents is enabled in the configuration of Accounts Receivable and of Accounts Payable.",
    ),
    Code.CORRECTION_NOT_PERMITTED: Explanation(
        _W,
        "Sage Intacct does not let the user reverse, edit or delete what stands, though it may create such documents.",
        "Give the role of the Web Services user, for Invoices (Accounts Receivable), Bills (Accounts Payable) and "
        "Adjustments, the permissions Edit, Delete and Reverse; the document is tried again by itself.",
    ),
    Code.REVERSAL_DISABLED: Explanation(
        _R,
        "The document changed, and the company in Sage Intacct does not let unpaid documents of its kind be reversed.",
        "At the top level, select Enable reversal of unpaid invoices (Accounts Receivable > Setup > Configuration), or "
        "of unpaid bills (Accounts Payable), then `alvys-sage retry`. Where the company is to stay as it is, set "
        "ar.correctPostedBy=deletion or ap.correctPostedBy=deletion (alvys-sage connections set); or delete the record "
        "by hand and retry twice.",
    ),
    Code.REVERSAL_ELSEWHERE: Explanation(
        _R,
        "The document changed, and what stands in Sage Intacct is owned at another level (top level or entity) than "
        "the user signs in to, or the user is restricted to locations.",
        "Take the user's location restrictions away, or reverse the record by hand where it is owned; then "
        "`alvys-sage retry`.",
    ),
    Code.REVERSAL_DATE: Explanation(
        _R,
        "Sage Intacct takes neither today nor the day after as the date of the reversal.",
        "Retry later (`alvys-sage retry`), or reverse the record by hand in Sage Intacct, then retry: it is then "
        "posted anew.",
    ),
    Code.CORRECTION_NOT_CONFIRMED: Explanation(
        _U,
        "Sage Intacct says that it has executed the correction, yet the record does not show it. It is not sent again.",
        "Do by hand in Sage Intacct what `detail` names; it is then found, and the document goes on by itself.",
    ),
}
