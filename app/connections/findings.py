"""The problems that a check of a connection can find: stable names, the wizard step to correct each, and what to do.

The instructions use the words of the article "Prerequisites".
"""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from app.shell import first_argument

_CAPITALS = re.compile(r"\b(SUBSIDIARY|SIDE)\b")


class WizardStep(IntEnum):
    """The six steps of the wizard, as the article on connecting Sage Intacct and configuring settings names them."""

    SUBSIDIARY = 1
    SAGE = 2
    AP = 3
    AR = 4
    ADVANCED = 5
    FINISH = 6

    @property
    def title(self) -> str:
        """The step's title in the wizard."""
        return _TITLES[self]


_TITLES = {
    WizardStep.SUBSIDIARY: "Select Subsidiary",
    WizardStep.SAGE: "Connect to Sage",
    WizardStep.AP: "Accounts Payable",
    WizardStep.AR: "Accounts Receivable",
    WizardStep.ADVANCED: "Advanced Settings",
    WizardStep.FINISH: "Finish Up",
}


class Severity(StrEnum):
    """The severity of a finding, most severe first."""

    ERROR = "error"
    """Documents would wait or be refused. A connection with an error does not become Active."""
    WARNING = "warning"
    """Some documents may wait or be refused."""
    NOTE = "note"
    """Something could not be checked."""


class SetupProblem(StrEnum):
    """The problems, by stable names; `ADVICE` says what to do about each."""

    NOT_CONNECTED = "NOT_CONNECTED"
    SETTING_UNREADABLE = "SETTING_UNREADABLE"
    SENDER_PASSWORD_MISSING = "SENDER_PASSWORD_MISSING"  # noqa: S105 - its name, no password
    CREDENTIALS_MISSING = "CREDENTIALS_MISSING"
    SAGE_NOT_REACHED = "SAGE_NOT_REACHED"
    SENDER_REFUSED = "SENDER_REFUSED"
    SENDER_NOT_AUTHORISED = "SENDER_NOT_AUTHORISED"
    COMPANY_REFUSED = "COMPANY_REFUSED"
    USER_REFUSED = "USER_REFUSED"
    ENTITY_NOT_FOUND = "ENTITY_NOT_FOUND"
    ENTITY_INACTIVE = "ENTITY_INACTIVE"
    ENTITY_REFUSED = "ENTITY_REFUSED"
    LOCATION_MISSING = "LOCATION_MISSING"
    PERMISSION_MISSING = "PERMISSION_MISSING"
    MASTER_DEFAULT_MISSING = "MASTER_DEFAULT_MISSING"
    ACCOUNT_NOT_FOUND = "ACCOUNT_NOT_FOUND"
    ACCOUNT_INACTIVE = "ACCOUNT_INACTIVE"
    TERM_NOT_FOUND = "TERM_NOT_FOUND"
    TERM_INACTIVE = "TERM_INACTIVE"
    VENDOR_NOT_FOUND = "VENDOR_NOT_FOUND"
    VENDOR_INACTIVE = "VENDOR_INACTIVE"
    VENDOR_UNMAPPED = "VENDOR_UNMAPPED"
    CARRIER_NUMBER_FIELD_UNSET = "CARRIER_NUMBER_FIELD_UNSET"
    CARRIER_NUMBER_FIELD_GONE = "CARRIER_NUMBER_FIELD_GONE"
    DIMENSION_REQUIRED = "DIMENSION_REQUIRED"
    DIMENSION_NOT_FOUND = "DIMENSION_NOT_FOUND"
    DIMENSION_NOT_IN_GL = "DIMENSION_NOT_IN_GL"
    DIMENSION_VALUES_UNREADABLE = "DIMENSION_VALUES_UNREADABLE"
    DIMENSION_VALUE_GONE = "DIMENSION_VALUE_GONE"
    DIMENSION_VALUE_BLOCKED = "DIMENSION_VALUE_BLOCKED"
    FIELD_REQUIRED = "FIELD_REQUIRED"
    FIELD_NOT_FOUND = "FIELD_NOT_FOUND"
    FIELD_UNSUPPORTED = "FIELD_UNSUPPORTED"
    CORRECTION_NOT_CHECKED = "CORRECTION_NOT_CHECKED"
    NOT_CHECKED = "NOT_CHECKED"


BLIND = frozenset(
    {
        *(SetupProblem.SENDER_PASSWORD_MISSING, SetupProblem.CREDENTIALS_MISSING, SetupProblem.SAGE_NOT_REACHED),
        *(
            SetupProblem.SENDER_REFUSED,
            SetupProblem.SENDER_NOT_AUTHORISED,
            SetupProblem.COMPANY_REFUSED,
            SetupProblem.USER_REFUSED,
        ),
        *(SetupProblem.ENTITY_NOT_FOUND, SetupProblem.ENTITY_INACTIVE, SetupProblem.ENTITY_REFUSED),
    }
)
"""Problems that prevent the check, because Sage could not be read."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The wizard step in which a problem is corrected, its severity, and instructions (one per line)."""

    step: WizardStep
    severity: Severity
    todo: tuple[str, ...]


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_WEB_SERVICES = (
    "Log into Sage Intacct as an Administrator, at the Top level and not in an individual entity.",
    "Company > Admin > Subscriptions: scroll down to Web Services, ensure the toggle is switched ON, click Done.",
)
_SENDER = (
    "Company > Setup > Company, Security tab, Edit. Scroll to Web Services Authorizations, click Add.",
    "Sender ID as shown here, Description Alvys Integration, Status Active; Save within the pop-up window.",
    "Click Save in the main Company Information window before exiting.",
)
_USER = (
    "Company > Admin > Web Services Users: the User ID, Status Active, User type Business, Admin privileges Full.",
    "Compare User ID and password with the credentials that the connection names; mind upper and lower case.",
)
MODULES = (
    "Administration, Company, Cash Management, General Ledger, Accounts Payable, Platform Services, "
    "Accounts Receivable, Inventory Control, Order Entry and Fixed Assets Management"
)
"""The ten modules that the role needs (requirement 18)."""
_ROLE = (
    "Company > Admin > Roles: the role of the Web Services User (Admin, or Alvys Web User Role), Subscriptions.",
    f"Permission All on {MODULES}; Save.",
    "Company > Admin > Web Services Users, Roles Information tab: the role is assigned to the user.",
)
_ENTITY = ("Company > Setup > Configuration > Entities: the entity exists and its Status is Active.",)
_GL = (
    "General Ledger > All > General Ledger Accounts: add the account, or set its Status to Active.",
    "Or map another one, by alvys-sage mappings set. This lists them: alvys-sage accounts SUBSIDIARY",
)
_CORRECTION = (
    "At the Top level, Accounts Receivable > Setup > Configuration: Enable reversal of unpaid invoices; Save.",
    "At the Top level, Accounts Payable > Setup > Configuration: Enable reversal of unpaid bills; Save.",
    "The role: Invoices, Bills and Adjustments with List, View, Add, Edit, Delete and Reverse.",
    "The user: without location restrictions, signing in at the level that owns the documents.",
    "Where the company is not to reverse: alvys-sage connections set SUBSIDIARY ar.correctPostedBy=deletion",
)
_TERM = (
    "Add the term in Sage Intacct on this side.",
    "Or name one that is there, as default or fallback: alvys-sage connections set SUBSIDIARY 'terms.fallback=Net 30'",
)
_VENDOR = ("Make the vendor active in Sage Intacct, or map another one: alvys-sage mappings vendor.",)
_DIMENSION = ("Map the dimension, with a default value for what has none of its own.",)
_IN_GL = ("Enable the dimension for GL posting in Sage Intacct, or contact support.",)
_FIELD = ("Map the custom field to an Alvys field, or make it optional in Sage Intacct.",)

ADVICE: dict[SetupProblem, Advice] = {
    SetupProblem.NOT_CONNECTED: Advice(WizardStep.SUBSIDIARY, _E, ("Set it up: alvys-sage connect SUBSIDIARY",)),
    SetupProblem.SETTING_UNREADABLE: Advice(
        WizardStep.SUBSIDIARY, _E, ("Write the key again: alvys-sage mappings set, or import.",)
    ),
    SetupProblem.SENDER_PASSWORD_MISSING: Advice(WizardStep.SAGE, _E, ("Set ALVYS_SAGE_SENDER_PASSWORD.",)),
    SetupProblem.CREDENTIALS_MISSING: Advice(
        WizardStep.SAGE, _E, ("Set what is named, where the workers run and here; no secret belongs in mapping-state.",)
    ),
    SetupProblem.SAGE_NOT_REACHED: Advice(
        WizardStep.SAGE, _E, ("Look at ALVYS_SAGE_GATEWAY_URL and at the network; try again later.",)
    ),
    SetupProblem.SENDER_REFUSED: Advice(
        WizardStep.SAGE,
        _E,
        ("Compare ALVYS_SAGE_SENDER_ID and ALVYS_SAGE_SENDER_PASSWORD with what Sage issued; mind the case.",),
    ),
    SetupProblem.SENDER_NOT_AUTHORISED: Advice(WizardStep.SAGE, _E, (*_WEB_SERVICES, *_SENDER)),
    SetupProblem.COMPANY_REFUSED: Advice(
        WizardStep.SAGE,
        _E,
        (*_WEB_SERVICES, *_SENDER, "The company's subscription is active: ask your Sage representative."),
    ),
    SetupProblem.USER_REFUSED: Advice(WizardStep.SAGE, _E, ("Compare the Company ID.", *_USER)),
    SetupProblem.ENTITY_NOT_FOUND: Advice(
        WizardStep.SAGE,
        _E,
        (*_ENTITY, "The entity is permanent: to choose another, alvys-sage disconnect, then connect."),
    ),
    SetupProblem.ENTITY_INACTIVE: Advice(WizardStep.SAGE, _E, _ENTITY),
    SetupProblem.ENTITY_REFUSED: Advice(WizardStep.SAGE, _E, (*_USER[:1], "The user may sign in to this entity.")),
    SetupProblem.LOCATION_MISSING: Advice(
        WizardStep.ADVANCED,
        _E,
        (
            "Name the entity, or a location below it: alvys-sage connections set SUBSIDIARY locationId=ID",
            "Or map the dimension Location: alvys-sage dimensions set SUBSIDIARY location --default ID",
        ),
    ),
    SetupProblem.PERMISSION_MISSING: Advice(WizardStep.SAGE, _E, _ROLE),
    SetupProblem.MASTER_DEFAULT_MISSING: Advice(
        WizardStep.AP,
        _E,
        ("Set what answers where nothing else does: alvys-sage mappings set SUBSIDIARY SIDE Default ACCOUNT",),
    ),
    SetupProblem.ACCOUNT_NOT_FOUND: Advice(WizardStep.AP, _E, _GL),
    SetupProblem.ACCOUNT_INACTIVE: Advice(WizardStep.AP, _E, _GL),
    SetupProblem.TERM_NOT_FOUND: Advice(WizardStep.ADVANCED, _E, _TERM),
    SetupProblem.TERM_INACTIVE: Advice(WizardStep.ADVANCED, _E, _TERM),
    SetupProblem.VENDOR_NOT_FOUND: Advice(WizardStep.AP, _E, _VENDOR),
    SetupProblem.VENDOR_INACTIVE: Advice(WizardStep.AP, _E, _VENDOR),
    SetupProblem.VENDOR_UNMAPPED: Advice(
        WizardStep.AP,
        _W,
        ("Until it is mapped, documents wait: alvys-sage mappings vendor SUBSIDIARY SIDE default VENDORID",),
    ),
    SetupProblem.CARRIER_NUMBER_FIELD_UNSET: Advice(
        WizardStep.AP,
        _E,
        (
            "Name it by its integration name: alvys-sage connections set SUBSIDIARY ap.carrierNumberField=FIELD",
            "Or link by External Accounting ID: alvys-sage connections set SUBSIDIARY ap.linkCarriersBy=external-id",
        ),
    ),
    SetupProblem.CARRIER_NUMBER_FIELD_GONE: Advice(
        WizardStep.AP,
        _E,
        (
            "Compare the integration name with the vendor's custom fields in Sage Intacct.",
            "Name another one: alvys-sage connections set SUBSIDIARY ap.carrierNumberField=FIELD",
        ),
    ),
    SetupProblem.DIMENSION_REQUIRED: Advice(WizardStep.ADVANCED, _E, _DIMENSION),
    SetupProblem.DIMENSION_NOT_FOUND: Advice(WizardStep.ADVANCED, _E, ("Clear the mapping, or mend its name.",)),
    SetupProblem.DIMENSION_NOT_IN_GL: Advice(WizardStep.ADVANCED, _E, _IN_GL),
    SetupProblem.DIMENSION_VALUES_UNREADABLE: Advice(
        WizardStep.ADVANCED,
        _E,
        ("It is a Platform Apps custom dimension, which is not supported: clear its mapping.",),
    ),
    SetupProblem.DIMENSION_VALUE_GONE: Advice(
        WizardStep.ADVANCED, _E, ("Add the value in Sage Intacct, or map to one that is there.",)
    ),
    SetupProblem.DIMENSION_VALUE_BLOCKED: Advice(
        WizardStep.ADVANCED, _E, ("Make the value active in Sage Intacct, or map to another.",)
    ),
    SetupProblem.FIELD_REQUIRED: Advice(WizardStep.ADVANCED, _E, _FIELD),
    SetupProblem.FIELD_NOT_FOUND: Advice(WizardStep.ADVANCED, _E, ("Clear the mapping, or mend the field's name.",)),
    SetupProblem.FIELD_UNSUPPORTED: Advice(
        WizardStep.ADVANCED, _E, ("Supported are Date, Currency, Number, Text and Text Area: clear the mapping.",)
    ),
    SetupProblem.CORRECTION_NOT_CHECKED: Advice(WizardStep.FINISH, _N, _CORRECTION),
    SetupProblem.NOT_CHECKED: Advice(WizardStep.FINISH, _N, ()),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem that was found, or one thing that could not be checked."""

    problem: SetupProblem
    what: str
    """Description that names the affected setting or record; never a secret."""
    step: WizardStep
    severity: Severity
    key: str | None = None
    """The key of the affected setting."""
    side: str = ""
    """`ar`, `ap`, `fuel` or `toll`, if the instructions need it."""

    def todo(self, subsidiary: str) -> tuple[str, ...]:
        """The instructions for this subsidiary. Commands can be copied, except for placeholders in capitals."""
        words = {"SUBSIDIARY": first_argument(subsidiary), "SIDE": self.side}
        return tuple(_CAPITALS.sub(lambda found: words[found[0]], line) for line in ADVICE[self.problem].todo)

    def json(self, subsidiary: str) -> dict[str, object]:
        """The finding as JSON for a program."""
        return {
            "problem": self.problem.value,
            "severity": self.severity.value,
            "step": int(self.step),
            "stepTitle": self.step.title,
            "what": self.what,
            "key": self.key,
            "todo": list(self.todo(subsidiary)),
        }


def finding(
    problem: SetupProblem,
    what: str,
    *,
    key: str | None = None,
    step: WizardStep | None = None,
    severity: Severity | None = None,
    side: str = "",
) -> Finding:
    """Make a finding. Step and severity are taken from `ADVICE` unless they are given.

    Args:
        problem: The problem.
        what: A description that names the affected setting or record; never a secret.
        key: The key of the affected setting.
        step: The wizard step in which the problem is corrected.
        severity: How severe it is.
        side: `ar`, `ap`, `fuel` or `toll`, if the instructions need it.
    """
    advice = ADVICE[problem]
    return Finding(problem, what, step or advice.step, severity or advice.severity, key, side)


def errors(findings: list[Finding]) -> list[Finding]:
    """The findings that keep a connection from becoming Active."""
    return [each for each in findings if each.severity is Severity.ERROR]
