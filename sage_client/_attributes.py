"""Rendering of dimensions and custom fields, in the order of Sage's schema.

Legacy lines (v3.0/api.xsd; accounts-receivable/invoices): `locationid, departmentid` directly after the memo, then
`customfields`, then the other dimensions. No page documents a user-defined dimension as a custom field of a legacy
line. It is rendered so only if the connection says that the company's Sage accepts it (`domain.lines.line_attributes`).

Generic lines (accounts-payable/bills): each dimension and field is an element of its own, in any order. A user-defined
dimension is named `GLDIM` followed by its object. `lookup` lists `ASSETID` for a company with Fixed Assets.
"""

from collections.abc import Iterable

from domain.documents import CustomValue, DocumentLine, LineDimension
from domain.settings.dimensions import SAGE_NAME, Standard
from sage_client._error_categories import ExchangeLevel
from sage_client._text import escape, required_text
from sage_client.errors import RequestInvalidError

_ORDER = {
    standard.value: place
    for place, standard in enumerate(
        (
            Standard.DEPARTMENT,
            Standard.PROJECT,
            Standard.CUSTOMER,
            Standard.VENDOR,
            Standard.EMPLOYEE,
            Standard.ITEM,
            Standard.CLASS,
            Standard.CONTRACT,
            Standard.WAREHOUSE,
        )
    )
}
"""The dimensions of a legacy line in the order of the schema. The location comes before them and is not listed."""

Pairs = Iterable[tuple[str, str]]
"""Custom fields as pairs of name and value."""


def legacy_line(line: DocumentLine) -> str:
    """Render location, department, custom fields and the other dimensions of a legacy line.

    Raises:
        RequestInvalidError: A legacy line has no element for one of the dimensions, or a name or value is not valid.
    """
    location = f"<locationid>{required_text(line.location_id, 'location')}</locationid>" if line.location_id else ""
    if not line.dimensions and not line.custom:
        return location
    standing = {each.dimension: each for each in line.dimensions if not each.user_defined}
    others = [standing[name] for name in _ORDER if name in standing and name != Standard.DEPARTMENT]
    if missing := standing.keys() - _ORDER.keys() - {Standard.LOCATION}:
        raise _unknown(f"dimension {min(missing)} has no place on a legacy line")
    department = standing.get(Standard.DEPARTMENT)
    fields = [*_values(line.custom), *((f"GLDIM{each.object}", each.value) for each in _user_defined(line))]
    return "".join(
        (
            location,
            _element("departmentid", department.value) if department else "",
            legacy_fields(fields),
            *[_element(f"{each.dimension}id", each.value) for each in others],
        )
    )


def generic_line(line: DocumentLine) -> str:
    """Render location, other dimensions and custom fields of a generic line.

    Raises:
        RequestInvalidError: A name or value is not valid.
    """
    location = f"<LOCATIONID>{required_text(line.location_id, 'location')}</LOCATIONID>" if line.location_id else ""
    if not line.dimensions and not line.custom:
        return location
    standing = [each for each in line.dimensions if not each.user_defined and each.dimension != Standard.LOCATION]
    return "".join(
        (
            location,
            *[_element(Standard(each.dimension).id_field, each.value) for each in standing],
            *[_element(f"GLDIM{each.object}", each.value) for each in _user_defined(line)],
            generic_fields(_values(line.custom)),
        )
    )


def legacy_fields(fields: Pairs) -> str:
    """Render the `customfields` element of a legacy function; an empty text if there are no fields."""
    inner = "".join(
        f"<customfield><customfieldname>{_name(name)}</customfieldname>"
        f"<customfieldvalue>{escape(value)}</customfieldvalue></customfield>"
        for name, value in fields
    )
    return f"<customfields>{inner}</customfields>" if inner else ""


def generic_fields(fields: Pairs) -> str:
    """Render custom fields as elements of their own, for a generic function."""
    return "".join(_element(name, escape(value), raw=True) for name, value in fields)


def header_fields(custom: Iterable[CustomValue], marker_field: str | None, mark: str) -> list[tuple[str, str]]:
    """List the custom fields of the document itself, with the field for our marker if there is one.

    The marker takes precedence over a mapping of the same field.
    """
    ours = [(marker_field, mark)] if marker_field else []
    return [*((name, value) for name, value in _values(custom) if name != marker_field), *ours]


def _values(custom: Iterable[CustomValue]) -> list[tuple[str, str]]:
    return [(each.field, each.value) for each in custom]


def _user_defined(line: DocumentLine) -> list[LineDimension]:
    return [each for each in line.dimensions if each.user_defined]


def _element(name: str, value: str, *, raw: bool = False) -> str:
    tag = _name(name)
    return f"<{tag}>{value if raw else required_text(value, name)}</{tag}>"


def _name(name: str) -> str:
    if not SAGE_NAME.fullmatch(name):
        raise _unknown(f"{name!r} is no name of a field")
    return name


def _unknown(why: str) -> RequestInvalidError:
    return RequestInvalidError(why, level=ExchangeLevel.LOCAL)
