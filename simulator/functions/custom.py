"""Custom fields and user-defined dimensions on a document.

Source: Sage developer documentation, api/accounts-payable/bills and platform-services/dimensions. Whether Sage ignores
or refuses an unknown name is not documented. Here it is refused, because a refusal loses no data. A user-defined
dimension is the element `GLDIM<NAME>` with the integer id of its value. Sending it as a custom field of a legacy line
is not documented, and is refused unless the company's setting `accept_legacy_user_dimensions` allows it.
"""

import re
from collections.abc import Mapping

from simulator.call import Call
from simulator.catalogue import USER_DEFINED_TABLE
from simulator.errors import GENERIC, INVALID, refuse
from simulator.fields import Value, iso_date
from simulator.seed import CustomField

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_NUMERIC = {"number", "currency", "percent"}


def checked_custom(call: Call, object_name: str, given: Mapping[str, str], *, legacy: bool = False) -> dict[str, Value]:
    """Check the custom values of one object against the company's definitions, and convert them.

    Args:
        call: The function call.
        object_name: The object that the values belong to.
        given: The values as texts, by name.
        legacy: Whether they come from an object-specific function.

    Raises:
        FunctionError: A name is unknown, a value does not fit, or a required field is missing.
    """
    defined = {field.name: field for field in call.config.custom_fields if field.object == object_name}
    dimensions = {f"GLDIM{dimension.name}": dimension.name for dimension in call.config.user_dimensions}
    values: dict[str, Value] = {}
    for name, text in given.items():
        if name in defined:
            if text:
                values[name] = _checked(defined[name], text)
        elif name in dimensions and object_name.endswith("ITEM"):
            if legacy and not call.config.accept_legacy_user_dimensions:
                raise refuse(INVALID, f"Custom field {name} is not valid on a legacy line.")
            values[name] = _dimension_value(call, dimensions[name], text)
        else:
            raise refuse(INVALID, f"Field {name} does not exist on object {object_name}.")
    for field in defined.values():
        if field.required and field.name not in values:
            raise refuse(INVALID, f"Field {field.name} is required on object {object_name}.", f"Provide {field.name}.")
    return values


def _checked(field: CustomField, text: str) -> Value:
    if field.max_length is not None and len(text) > field.max_length:
        raise refuse(INVALID, f"Field {field.name}: the value is longer than {field.max_length} characters.")
    if field.type in _NUMERIC and not _NUMBER.fullmatch(text):
        raise refuse(INVALID, f"Field {field.name}: '{text}' is not a number.")
    if field.type == "date":
        try:
            return iso_date(text)
        except ValueError:
            raise refuse(INVALID, f"Field {field.name}: '{text}' is not a date in the form MM/DD/YYYY.") from None
    if field.type == "checkbox":
        if text not in {"true", "false"}:
            raise refuse(INVALID, f"Field {field.name}: '{text}' is neither true nor false.")
        return int(text == "true")
    _form(field, text)
    if field.type in {"picklist", "multipicklist"} and not set(text.split("#~#")) <= set(field.values):
        raise refuse(INVALID, f"Field {field.name}: '{text}' is not one of its values.")
    return text


def _form(field: CustomField, text: str) -> None:
    """Check the form of a text by the type of its field. Sage's own rules are not documented; these are strict."""
    if field.type == "sequence":
        raise refuse(INVALID, f"Field {field.name} is read-only.")
    if field.type in {"text", "email", "url", "password"} and "\n" in text:
        raise refuse(INVALID, f"Field {field.name}: the value has more than one line.")
    if field.type == "email" and not _EMAIL.fullmatch(text):
        raise refuse(INVALID, f"Field {field.name}: '{text}' is not an e-mail address.")
    if field.type == "url" and not text.startswith(("http://", "https://")):
        raise refuse(INVALID, f"Field {field.name}: '{text}' is not a URL.")


def _dimension_value(call: Call, name: str, text: str) -> int:
    found = text.isdecimal() and call.database.find(
        USER_DEFINED_TABLE, call.company, OBJECT_NAME=name, RECORDNO=int(text)
    )
    if not found:
        raise refuse(GENERIC, f"Invalid {name} '{text}' specified.", "Give the id of the value, not its name.")
    return int(text)
