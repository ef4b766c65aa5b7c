"""What a company has that documents can carry: its dimensions, their values, and custom fields.

Sage developer documentation: platform-services/dimensions (`getDimensions`), web-services/queries (`query`, `lookup`),
platform-services/records (user-defined objects: lower-case fields, the key is `id`).

`lookup` tells a field by its DATATYPE alone, and that is coarser than the types a person chooses from. It tells no
lengths: no answer of a real company has one, so `maxLength` of a mapping is a person's to say.

* TEXT is Text and Text Area alike, and where Sage says no more, Email, URL, Password and Sequence too. Such a field is
  offered as Text: one line, which each of them takes. A value that an e-mail or URL field does not take is refused by
  Sage, not booked otherwise.
* DECIMAL is Number and Currency alike: both are sent as plain decimals, so nothing depends on it.
* A field with VALIDVALUES is a picklist whatever its DATATYPE; one value or many is not told, and both are refused.
* A field that is read-only is refused: a Sequence is, where Sage says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from domain.custom_fields import FieldObject, FieldType
from domain.dimensions import STANDARD_OBJECTS, Standard
from sage_client._kinds import Level
from sage_client._reply import Row
from sage_client.errors import UnavailableError
from sage_client.query import Query

GET_DIMENSIONS = "<getDimensions/>"
NOT_IN_GL = (
    "it is not enabled for GL posting; if Spend Management requires it, enable it for GL posting in Sage Intacct, or "
    "contact support"
)
"""The seed's advice (requirement 48)."""
NOT_MAPPED = "it is none of the eleven standard dimensions, nor a user-defined one"

_NAMES = {Standard.DEPARTMENT: ("TITLE",), Standard.EMPLOYEE: ("CONTACT_NAME", "PERSONALINFO.CONTACTNAME")}
"""The fields that may hold a value's name, where it is not NAME; the first one that is filled counts."""

_TYPES = {
    "DATE": FieldType.DATE,
    "CURRENCY": FieldType.CURRENCY,
    "DECIMAL": FieldType.NUMBER,
    "NUMBER": FieldType.NUMBER,
    "INTEGER": FieldType.NUMBER,
    "TEXT": FieldType.TEXT,
    "TEXTAREA": FieldType.TEXT_AREA,
}
_REFUSED = {
    "ENUM": "Picklist",
    "PICKLIST": "Picklist",
    "MULTIENUM": "Multi-select picklist",
    "MULTIPICKLIST": "Multi-select picklist",
    "BOOLEAN": "Checkbox",
    "CHECKBOX": "Checkbox",
    "EMAIL": "Email",
    "PERCENT": "Percent",
    "URL": "URL",
    "PASSWORD": "Password",
    "SEQUENCE": "Sequence",
    "TIMESTAMP": "Date and time",
}
"""By DATATYPE, squeezed: what a person knows the type by. Requirement 44, and the two that the article adds."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of the company."""

    object: str
    """Its object in Sage, such as `LOCATION`."""
    label: str
    user_defined: bool
    in_gl: bool
    """Enabled for GL posting."""

    @property
    def withheld(self) -> str | None:
        """Why it cannot be mapped; None where it is offered."""
        if not self.user_defined and self.object not in STANDARD_OBJECTS:
            return NOT_MAPPED
        return None if self.in_gl else NOT_IN_GL


@dataclass(frozen=True, slots=True)
class DimensionValue:
    """One value of a dimension: `id` is what a line carries."""

    id: str
    name: str
    status: str
    """Sage's own word, such as `active`, `inactive`, `active non-posting`; "" where Sage has none."""

    @property
    def blocked(self) -> str | None:
        """Why nothing can be posted to it; None where something can."""
        status = " ".join(self.status.lower().replace("-", " ").split())
        if status in {"", "active", "t"}:
            return None
        return "is active non-posting" if "non posting" in status or "nonposting" in status else "is inactive"


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field of one of the four objects."""

    object: FieldObject
    name: str
    """The integration name."""
    label: str
    data_type: str
    """As Sage names it."""
    required: bool
    read_only: bool
    values: tuple[str, ...]

    @property
    def type(self) -> FieldType | None:
        """The type to map it as; None where it is not supported."""
        return None if self.refused is not None else _TYPES.get(_squeezed(self.data_type))

    @property
    def refused(self) -> str | None:
        """Why it cannot be mapped, naming the type; None where it can."""
        kind = _REFUSED.get(_squeezed(self.data_type)) or ("Picklist" if self.values else None)
        if kind is not None:
            return f"its type {kind} is not supported"
        if self.read_only:
            return "it is read-only in Sage Intacct, as a Sequence is, and a Sequence is not supported"
        if _squeezed(self.data_type) not in _TYPES:
            return f"its type {self.data_type or 'is not told, and'} is not supported"
        return None


def values_query(dimension: Dimension) -> Query:
    """All values of a dimension. No source names the fields of FIXEDASSET: only the company's own `lookup` does."""
    if dimension.user_defined:
        return Query(dimension.object, ("id", "name"), key="id", described=False)
    standard = STANDARD_OBJECTS[dimension.object]
    return Query(
        dimension.object,
        (standard.id_field,),
        optional=(*_names(standard), "STATUS"),
        as_listed=standard is Standard.ASSET,
    )


def _names(standard: Standard) -> tuple[str, ...]:
    return _NAMES.get(standard, ("NAME",))


def value(dimension: Dimension, row: Row) -> DimensionValue:
    """One value; UnavailableError where the row has no id: a list with holes must not pass for the list."""
    if dimension.user_defined:
        found = DimensionValue(row.get("id", "").strip(), row.get("name", ""), "")
    else:
        standard = STANDARD_OBJECTS[dimension.object]
        name = next((text for field in _names(standard) if (text := row.get(field, "").strip())), "")
        found = DimensionValue(row.get(standard.id_field, "").strip(), name, row.get("STATUS", ""))
    if not found.id:
        raise UnavailableError(f"a row of {dimension.object} lacks its id", level=Level.RESULT)
    return found


def dimensions(data: etree._Element | None) -> list[Dimension]:
    """What `getDimensions` answered.

    Raises:
        UnavailableError: It holds no list, or one without names.
    """
    if data is None or data.find(".//dimension") is None:
        raise UnavailableError("the answer holds no dimensions", level=Level.RESULT)
    return [_dimension(each) for each in data.iter("dimension")]


def _dimension(element: etree._Element) -> Dimension:
    name = _text(element, "objectName").upper()
    if not name:
        raise UnavailableError("a dimension lacks its objectName", level=Level.RESULT)
    label = _text(element, "termLabel") or _text(element, "objectLabel") or name
    return Dimension(name, label, _true(element, "userDefinedDimension"), _true(element, "enabledInGL"))


def custom_fields(object_name: FieldObject, data: etree._Element | None) -> list[CustomField]:
    """The custom fields in what `lookup` answered; Sage's own fields are left out.

    Raises:
        UnavailableError: It describes no fields.
    """
    if data is None or data.find(".//Field") is None:
        raise UnavailableError(f"the answer describes no fields of {object_name.object}", level=Level.RESULT)
    return [_field(object_name, each) for each in _custom(data)]


def _custom(data: etree._Element) -> Iterator[etree._Element]:
    return (each for each in data.iter("Field") if _true(each, "ISCUSTOM"))


def _field(object_name: FieldObject, element: etree._Element) -> CustomField:
    return CustomField(
        object=object_name,
        name=_text(element, "ID"),
        label=_text(element, "LABEL"),
        data_type=_text(element, "DATATYPE"),
        required=_true(element, "REQUIRED"),
        read_only=_true(element, "READONLY"),
        values=tuple((each.text or "").strip() for each in element.iterfind("VALIDVALUES/VALIDVALUE")),
    )


def _squeezed(data_type: str) -> str:
    return "".join(sign for sign in data_type.upper() if sign.isalnum())


def _text(element: etree._Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _true(element: etree._Element, path: str) -> bool:
    return _text(element, path).lower() in {"true", "t"}
