"""The function `query`: select, filter, order and page over one object.

Source: Sage developer documentation, web-services/queries. Elements are in upper case, as selected; an empty result has
no element. Without `orderby` Sage's order is undefined: here the newest record comes first, so that paging without an
order fails as integrators report it. The element name of an aggregate (`SUM.TOTALDUE`) is an assumption. The formats
csv and json, which would replace the envelope, are refused.
"""

from collections.abc import Callable

from lxml import etree
from lxml.etree import SubElement
from lxml.etree import _Element as Element

from simulator.call import Call, FunctionSuccess, Visibility
from simulator.envelope import text
from simulator.errors import NOT_QUERYABLE, PROCESSING, FunctionError, SageError, refuse
from simulator.fields import Kind, Value, shown
from simulator.functions.selection import Column, Condition, Source, joined

MAX_PAGE = 2000
DEFAULT_PAGE = 100
MAX_IN = 1000
_CHILDREN = {"object", "select", "filter", "orderby", "options", "pagesize", "offset", "docparid"}
_AGGREGATES = {"count", "sum", "avg", "min", "max"}
_COMPARISONS = {
    "equalto": "=",
    "notequalto": "<>",
    "lessthan": "<",
    "lessthanorequalto": "<=",
    "greaterthan": ">",
    "greaterthanorequalto": ">=",
}


def query(call: Call) -> FunctionSuccess:
    """Run a query, and answer with one page of its result."""
    element = call.element
    unknown = next((child.tag for child in element if child.tag not in _CHILDREN), None)
    if unknown:
        raise _malformed(f"the element {unknown} is not expected")
    object_type = call.object_type(text(element, "object"))
    options = element.find("options")
    fold = options is not None and text(options, "caseinsensitive").lower() == "true"
    show_private = options is not None and text(options, "showprivate").lower() == "true"
    if options is not None and text(options, "returnformat").lower() not in {"", "xml"}:
        raise _malformed("only the return format xml is simulated")
    source = Source(call, object_type, "query", fold)
    _refuse_unknown(source, element)
    columns, aggregates = _select(source, element)
    where = _where(source, element.find("filter"), Visibility.of(call.session, show_private=show_private))
    size = _whole(element, "pagesize", DEFAULT_PAGE, 1, MAX_PAGE)
    offset = _whole(element, "offset", 0, 0, 10**9)

    selected = ", ".join(f'{column.sql} AS "{position}"' for position, column in enumerate([*columns, *aggregates]))
    grouped = f" GROUP BY {', '.join(column.sql for column in columns)}" if aggregates and columns else ""
    base = f'FROM "{object_type.table}" t WHERE {where.sql}{grouped}'
    counted = f"SELECT COUNT(*) FROM (SELECT {selected} {base})" if aggregates else f"SELECT COUNT(*) {base}"  # noqa: S608 -- names come from the catalogue, values are bound
    row = call.database.one(counted, where.values)
    total = int(row[0]) if row else 0
    order = _order(source, element.find("orderby"), grouped=bool(aggregates))
    rows = call.database.all(f"SELECT {selected} {base} {order} LIMIT ? OFFSET ?", (*where.values, size, offset))

    data = etree.Element(
        "data",
        listtype=object_type.name,
        totalcount=str(total),
        offset=str(offset),
        count=str(len(rows)),
        numremaining=str(max(0, total - offset - len(rows))),
    )
    for values in rows:
        record = SubElement(data, object_type.name)
        for position, column in enumerate([*columns, *aggregates]):
            SubElement(record, column.name).text = shown(column.kind, values[position]) or None
    return FunctionSuccess(data=data)


def _refuse_unknown(source: Source, element: Element) -> None:
    """Refuse fields that the company does not have or that its `query` does not return, all in one error.

    The error number, which is repeated for each field, and the end of the text are those of a real company. The
    beginning of the text is not published.
    """
    name = source.object_type.name
    select = element.find("select")
    asked = [] if select is None else [(child.text or "").strip() for child in select]
    for part in ("filter", "orderby"):
        given = element.find(part)
        asked += [] if given is None else [(child.text or "").strip() for child in given.iter("field")]
    withheld = source.call.config.refused_by_query
    unknown = [field for field in dict.fromkeys(asked) if f"{name}.{field}" in withheld or source.find(field) is None]
    if unknown:
        listed = f"These fields cannot be queried: [{name}: [{', '.join(unknown)}] ]"
        raise FunctionError(*(SageError(NOT_QUERYABLE, listed, support_id="") for _ in unknown))


def _select(source: Source, element: Element) -> tuple[list[Column], list[Column]]:
    select = element.find("select")
    if select is None or len(select) == 0:
        raise _malformed("select needs at least one field")
    columns: list[Column] = []
    aggregates: list[Column] = []
    for child in select:
        tag, name = str(child.tag), (child.text or "").strip()
        column = source.column(name)
        if tag == "field":
            if column.name not in {known.name for known in columns}:
                columns.append(column)
        elif tag in _AGGREGATES:
            kind: Kind = "integer" if tag == "count" else column.kind
            function = f"CAST(ROUND(AVG({column.sql})) AS INTEGER)" if tag == "avg" else f"{tag.upper()}({column.sql})"
            aggregates.append(Column(f"{tag.upper()}.{name}", kind, function))
        else:
            raise _malformed(f"{tag} is not a selection")
    return columns, aggregates


def _where(source: Source, element: Element | None, visible: Visibility) -> Condition:
    condition = Condition("t.COMPANY = ?", (source.call.company,))
    condition = condition.joined("AND", Condition(visible.sql, visible.values))
    if source.object_type.owned_by is not None:
        condition = condition.joined("AND", Condition("t.OBJECT_NAME = ?", (source.object_type.owned_by,)))
    if element is None:
        return condition
    if len(element) != 1:
        raise _malformed("filter holds exactly one operator")
    return condition.joined("AND", _condition(source, element[0]))


def _condition(source: Source, element: Element) -> Condition:
    tag = str(element.tag)
    if tag in {"and", "or"}:
        parts = [_condition(source, child) for child in element]
        if len(parts) < len(("left", "right")):
            raise _malformed(f"{tag} needs at least two conditions")
        return joined(tag.upper(), parts)
    name, values = text(element, "field"), [value.text or "" for value in element.iterfind("value")]
    if tag in _COMPARISONS:
        return source.compare(name, _COMPARISONS[tag], _only(tag, values))
    handler = _OTHERS.get(tag)
    if handler is None:
        raise _malformed(f"{tag} is not an operator")
    return handler(source, name, tag, values)


def _like(source: Source, name: str, tag: str, values: list[str]) -> Condition:
    return source.like(name, _only(tag, values), negated=tag == "notlike")


def _null(source: Source, name: str, tag: str, values: list[str]) -> Condition:
    if values:
        raise _malformed(f"{tag} takes no value")
    return Condition(f"{source.column(name).sql} IS {'NOT ' if tag == 'isnotnull' else ''}NULL")


def _between(source: Source, name: str, tag: str, values: list[str]) -> Condition:
    if len(values) != len(("from", "to")):
        raise _malformed(f"{tag} takes two values")
    return source.compare(name, ">=", values[0]).joined("AND", source.compare(name, "<=", values[1]))


def _in(source: Source, name: str, tag: str, values: list[str]) -> Condition:
    if not 1 <= len(values) <= MAX_IN:
        raise _malformed(f"{tag} takes 1 to {MAX_IN} values")
    column = source.column(name)
    expression, mark = (f"FOLD({column.sql})", "FOLD(?)") if source.fold else (column.sql, "?")
    bound: tuple[Value, ...] = tuple(source.value(column, value) for value in values)
    if source.fold:
        bound = tuple(None if value is None else str(value) for value in bound)
    word = "NOT IN" if tag == "notin" else "IN"
    return Condition(f"{expression} {word} ({', '.join([mark] * len(values))})", bound)


_OTHERS: dict[str, Callable[[Source, str, str, list[str]], Condition]] = {
    "like": _like,
    "notlike": _like,
    "isnull": _null,
    "isnotnull": _null,
    "between": _between,
    "in": _in,
    "notin": _in,
}


def _order(source: Source, element: Element | None, *, grouped: bool) -> str:
    if element is None or len(element) == 0:
        return "" if grouped else "ORDER BY t.RECORDNO DESC"
    terms = []
    for order in element:
        name = text(order, "field")
        direction = "DESC" if order.find("descending") is not None else "ASC"
        terms.append(f"{source.column(name).sql} {direction}")
    return f"ORDER BY {', '.join(terms)}"


def _only(tag: str, values: list[str]) -> str:
    if len(values) != 1:
        raise _malformed(f"{tag} takes one value")
    return values[0]


def _whole(element: Element, tag: str, default: int, low: int, high: int) -> int:
    given = text(element, tag)
    if not given:
        return default
    if not given.isdecimal() or not low <= int(given) <= high:
        raise _malformed(f"{tag} must be a whole number from {low} to {high}")
    return int(given)


def _malformed(what: str) -> FunctionError:
    return refuse(PROCESSING, f"There was an error processing the request: {what}.")
