"""The names in a request to Sage Intacct that stand in no public source: of objects, fields and functions' elements.

Custom fields, user-defined dimensions and user-defined objects are the customer's own names; tests name them here.
"""

from collections.abc import Iterator

from lxml import etree

from tests.support.sage_reference import reference

OWN = frozenset({"MC_NUMBER", "ALVYS_MARKER", "A_DATE", "A_NUMBER", "A_TEXT"})
"""Custom fields that tests use."""
OWN_OBJECTS = frozenset({"LINE_OF_BUSINESS", "RIG", "UDD"})
"""User-defined dimensions that tests use."""
_BARE = {
    "getAPISession": {"locationid"},
    "getDimensions": set[str](),
    "lookup": {"object"},
    "delete": {"object", "keys"},
}
"""Functions of no object in particular, and their elements (Sage developer documentation)."""
_DATES = frozenset({"datecreated", "dateposted", "datedue", "datereversed"})
_LINES = frozenset({"lineitem", "updatelineitem"})


def unsourced(request: etree._Element) -> list[str]:
    """Every name of a request that has no source, as `OBJECT.FIELD` or `function.element`."""
    return [
        name
        for function in request.iterfind("operation/content/function")
        for element in function
        for name in _function(element)
    ]


def _function(element: etree._Element) -> Iterator[str]:
    name = str(element.tag)
    if name == "query":
        yield from _query(element)
    elif name in {"create", "update"}:
        for record in element:
            yield from _record(record)
    elif name in _BARE:
        yield from (f"{name}.{each.tag}" for each in element if each.tag not in _BARE[name])
        yield from _object(element.findtext("object"))
    else:
        yield from _legacy(name, element)


def _object(name: str | None) -> Iterator[str]:
    if name is not None and name not in reference().objects and name not in OWN_OBJECTS:
        yield name


def _query(query: etree._Element) -> Iterator[str]:
    name = query.findtext("object") or ""
    yield from _object(name)
    if name in OWN_OBJECTS:
        return
    for field in query.iter("field"):
        if field.text not in OWN and not reference().readable(name, field.text or ""):
            yield f"{name}.{field.text}"


def _record(record: etree._Element) -> Iterator[str]:
    """A generic function's record: fields, blocks (`MAILADDRESS`) and lines."""
    name = str(record.tag)
    yield from _object(name)
    for path in _paths(record, name):
        if path not in OWN and not path.startswith("GLDIM") and path not in reference().objects[name].fields:
            yield f"{name}.{path}"
    for lines in record.iterfind(f"{name}ITEMS"):
        for line in lines:
            yield from _record(line)


def _paths(record: etree._Element, name: str, before: str = "") -> Iterator[str]:
    for element in record:
        if len(element) == 0 or element.tag == f"{name}ITEMS":
            yield f"{before}{element.tag}"
        else:
            yield from _paths(element, name, f"{before}{element.tag}.")


def _legacy(name: str, element: etree._Element) -> Iterator[str]:
    """A function of Sage's schema, whose parts are in its list of elements."""
    known = reference().functions.get(name)
    if known is None:
        yield name
        return
    for part in element:
        tag = str(part.tag)
        if tag not in known:
            yield f"{name}.{tag}"
        elif tag in _DATES:
            yield from (f"{tag}.{each.tag}" for each in part if each.tag not in reference().functions["datecreated"])
        elif tag == "customfields":
            yield from _custom(part)
        elif tag.endswith("items"):
            for line in part:
                yield from () if line.tag in _LINES else (f"{tag}.{line.tag}",)
                yield from _legacy(str(line.tag), line)


def _custom(fields: etree._Element) -> Iterator[str]:
    functions = reference().functions
    for field in fields:
        yield from () if field.tag in functions["customfields"] else (f"customfields.{field.tag}",)
        yield from (f"customfield.{each.tag}" for each in field if each.tag not in functions["customfield"])
