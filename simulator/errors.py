"""The gateway's errors at its three levels.

Source: Sage developer documentation, web-services/responses and web-services/error-handling; the numbers and texts are
those that Sage's documentation, official clients and published integrations show (tests/fixtures/sage/wordings.json).
An error at the control level refuses the whole request, at the authentication level the sign-in of an operation, at the
result level one function.
"""

import secrets
from dataclasses import dataclass, field

# An assumption of the simulator: no public source gives the number or the text with which Sage refuses a function whose
# control id was used before. A client must not depend on this number.
ASSUMED_DUPLICATE_CONTROL_ID = "XL03999999"
ASSUMED_DUPLICATE_CONTROL_ID_TEXT = (
    "The function with control ID '{control_id}' has already been executed and completed. It cannot be repeated."
)
IN_FLIGHT_CONTROL_ID_TEXT = "A request's function with the control ID {control_id} is in process."
"""A published text; its number and level are not published."""
# The texts with which Sage refuses a reversal are not published either.
ASSUMED_REVERSAL_OFF_TEXT = "Enable reversal of unpaid {noun}s is not enabled in the configuration of {module}."
ASSUMED_NOT_OWNED_TEXT = "The {noun} {number} is not owned here and cannot be reversed: go to the level it was made at."
ASSUMED_RESTRICTED_TEXT = "A user who is restricted to locations cannot reverse the {noun} {number}."
ASSUMED_REVERSAL_DATE_TEXT = "The reversal date must be later than the posting date of the {noun}."
ASSUMED_REVERSE_INSTEAD_TEXT = "The {noun} {number} is posted: reverse it, since this company enables reversals."

SCHEMA = "XL03000003"
SIGN_IN = "XL03000006"
NOT_QUERYABLE = "XL03000006"
ROLLED_BACK = "XL03000009"
NOT_DEFINED = "XL03000009"
GATEWAY_SIGN_IN = "XMLGW_JPP0002"
GATEWAY_INVALID = "GW-0011"
GATEWAY_THROTTLED = "GW-0010"
PERMISSION = "PL04000005"
NUMBER_MISSING = "PL01000127"
BILL_NUMBER_MISSING = "BL03002128"
PARTY_EXISTS = "PL05000104"
ALREADY_EXISTS = "BL34000061"
NUMBER_EXISTS = "BL03002185"
ACTION = "BL03002129"
INVALID = "BL03000018"
ALREADY_PAID = "BL03000130"
OVERPAID = "XL03000027"
GENERIC = "BL01001973"
PROCESSING = "DL02000001"


@dataclass(frozen=True, slots=True)
class SageError:
    """One `<error>` of an errormessage. `error_id` and `category` are shown if the request asks for additional info."""

    number: str
    text: str
    description: str = ""
    correction: str = ""
    error_id: str = ""
    category: str = ""
    support_id: str = field(default_factory=lambda: f"{secrets.token_hex(4)}%7E{secrets.token_hex(8)}")


class ControlError(Exception):
    """The gateway refuses the whole request; nothing was executed."""

    def __init__(self, error: SageError, status: int = 200) -> None:
        super().__init__(error.text)
        self.error = error
        self.status = status


class SignInError(Exception):
    """The authentication block is refused; nothing of its operation was executed."""

    def __init__(self, error: SageError) -> None:
        super().__init__(error.text)
        self.error = error


class FunctionError(Exception):
    """One function failed and had no effect."""

    def __init__(self, *errors: SageError) -> None:
        super().__init__("; ".join(error.text for error in errors))
        self.errors = errors

    def followed_by(self, error: SageError) -> "FunctionError":
        """Add an error at the end: Sage answers with the specific errors first and the generic one last."""
        return FunctionError(*self.errors, error)


def refuse(number: str, text: str, correction: str = "") -> FunctionError:
    """Make a function error with one cause."""
    return FunctionError(SageError(number, text, correction=correction))


def could_not(verb: str, noun: str) -> SageError:
    """Make the generic error that follows a specific one."""
    return SageError(GENERIC, f"Could not {verb} {noun} record!")


def schema_error(text: str) -> ControlError:
    """Make the error for a request that does not fit the schema. The whole request is refused; no function runs."""
    return ControlError(SageError(SCHEMA, f"XML Parse schema error: {text}", description="XML Parse schema error"))
