"""Discovery of a company's dimensions, their values, and its custom fields.

Sage developer documentation: platform-services/dimensions (`getDimensions`), web-services/queries (`query`, `lookup`),
platform-services/records (user-defined objects: lower-case fields, the key is `id`).

`lookup` describes the type of a field only by its DATATYPE, which is coarser than the types that a person chooses from.
It gives no lengths in any answer of a real company, so a person has to enter `maxLength` of a mapping.

* TEXT means Text or Text Area, and, if Sage gives no more details, also Email, URL, Password or Sequence. Such a field
  is offered as Text: one line, which all of them accept. Sage refuses a value that an e-mail or URL field does not
  accept, and books nothing else.
* DECIMAL means Number or Currency. Both are sent as plain decimals, so the difference does not matter.
* A field with VALIDVALUES is a picklist, whatever its DATATYPE. `lookup` does not tell whether it takes one value or
  several; both are refused.
* A read-only field is refused. A Sequence is read-only, if Sage says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from domain.settings.custom_fields import FieldObject, FieldType
from domain.settings.dimensions import STANDARD_OBJECTS, Standard
from sage_client._error_categories import ExchangeLevel
from sage_client._reply import SageRow
from sage_client.errors import UnavailableError
from sage_client.query import Query

GET_DIMENSIONS = "<getDimensions/>"
NOT_IN_GL = (
    "it is not enabled for GL posting; if Spend Management requires it, enable it for GL posting in Sage Intacct, or "
    "contact support"
)
"""The advice of Alvys's prerequisites article (requirement 48)."""
NOT_MAPPED = "it is none of the eleven standard dimensions, nor a user-defined one"

_NAMES = {Standard.DEPARTMENT: ("TITLE",), Standard.EMPLOYEE: ("CONTACT_NAME", "PERSONALINFO.CONTACTNAME")}
"""Fields that may hold the name of a value, for dimensions without NAME; the first one that is not empty counts."""

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
"""Names of the unsupported types, by DATATYPE as `_squeezed` writes it.

Sources: requirement 44; multi-select picklist and Sequence are in Alvys's article "How to Configure Dimension and
Custom Field Mappings for Sage Intacct".
"""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of the company."""

    object: str
    """The Sage object of the dimension, such as `LOCATION`."""
    label: str
    user_defined: bool
    in_gl: bool
    """Whether the dimension is enabled for GL posting."""

    @property
    def withheld(self) -> str | None:
        """The reason why the dimension cannot be mapped; None if it can."""
        if not self.user_defined and self.object not in STANDARD_OBJECTS:
            return NOT_MAPPED
        return None if self.in_gl else NOT_IN_GL


@dataclass(frozen=True, slots=True)
class DimensionValue:
    """One value of a dimension. A line holds its `id`."""

    id: str
    name: str
    status: str
    """Sage's word for the status, such as `active`, `inactive`, `active non-posting`; "" if Sage gives none."""

    @property
    def blocked(self) -> str | None:
        """The reason why nothing can be posted to the value; None if postings are possible."""
        status = " ".join(self.status.lower().replace("-", " ").split())
        if status in {"", "active", "t"}:
            return None
        return "is active non-posting" if "non posting" in status or "nonposting" in status else "is inactive"


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field of one of the four objects in `FieldObject`."""

    object: FieldObject
    name: str
    """The integration name of the field."""
    label: str
    data_type: str
    """The DATATYPE, as Sage names it."""
    required: bool
    read_only: bool
    values: tuple[str, ...]

    @property
    def type(self) -> FieldType | None:
        """The type for mapping the field; None if its type is not supported."""
        return None if self.refused is not None else _TYPES.get(_squeezed(self.data_type))

    @property
    def refused(self) -> str | None:
        """The reason why the field cannot be mapped, with its type; None if it can."""
        kind = _REFUSED.get(_squeezed(self.data_type)) or ("Picklist" if self.values else None)
        if kind is not None:
            return f"its type {kind} is not supported"
        if self.read_only:
            return "it is read-only in Sage Intacct, as a Sequence is, and a Sequence is not supported"
        if _squeezed(self.data_type) not in _TYPES:
            return f"its type {self.data_type or 'is not told, and'} is not supported"
        return None


def values_query(dimension: Dimension) -> Query:
    """Build the query for all values of a dimension.

    No source names the fields of FIXEDASSET, so its fields are asked for only if the company's `lookup` lists them.
    """
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


def value(dimension: Dimension, row: SageRow) -> DimensionValue:
    """Read one value of a dimension from a row.

    Raises:
        UnavailableError: The row has no id. An incomplete list must not count as the list.
    """
    if dimension.user_defined:
        found = DimensionValue(row.get("id", "").strip(), row.get("name", ""), "")
    else:
        standard = STANDARD_OBJECTS[dimension.object]
        name = next((text for field in _names(standard) if (text := row.get(field, "").strip())), "")
        found = DimensionValue(row.get(standard.id_field, "").strip(), name, row.get("STATUS", ""))
    if not found.id:
        raise UnavailableError(f"a row of {dimension.object} lacks its id", level=ExchangeLevel.RESULT)
    return found


def dimensions(data: etree._Element | None) -> list[Dimension]:
    """Read the dimensions from the answer of `getDimensions`.

    Raises:
        UnavailableError: The answer has no list, or a dimension has no name.
    """
    if data is None or data.find(".//dimension") is None:
        raise UnavailableError("the answer holds no dimensions", level=ExchangeLevel.RESULT)
    return [_dimension(each) for each in data.iter("dimension")]


def _dimension(element: etree._Element) -> Dimension:
    name = _text(element, "objectName").upper()
    if not name:
        raise UnavailableError("a dimension lacks its objectName", level=ExchangeLevel.RESULT)
    label = _text(element, "termLabel") or _text(element, "objectLabel") or name
    return Dimension(name, label, _true(element, "userDefinedDimension"), _true(element, "enabledInGL"))


def custom_fields(object_name: FieldObject, data: etree._Element | None) -> list[CustomField]:
    """Read the custom fields from the answer of `lookup`; Sage's own fields are left out.

    Raises:
        UnavailableError: The answer describes no fields.
    """
    if data is None or data.find(".//Field") is None:
        raise UnavailableError(f"the answer describes no fields of {object_name.object}", level=ExchangeLevel.RESULT)
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
