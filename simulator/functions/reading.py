"""The older read functions: read, readByName, readByQuery and readMore.

Source: Sage developer documentation, web-services/queries; official clients for the attributes. Elements are lower
case. `readMore` continues a pinned result set, which excludes records created later and records deleted in the
meantime. `read` of a document includes its lines. A key that does not exist yields no element.
"""

import secrets
from dataclasses import dataclass, field

from lxml import etree
from lxml.etree import SubElement
from lxml.etree import _Element as Element

from simulator.call import Call, FunctionSuccess, Visibility
from simulator.catalogue import ObjectType
from simulator.database import Row
from simulator.envelope import text
from simulator.errors import PROCESSING, FunctionError, refuse
from simulator.fields import shown
from simulator.functions import where
from simulator.functions.selection import Column, Condition, Source
from simulator.kinds import BY_HEADER

MAX_PAGE = 1000
DEFAULT_PAGE = 100
MAX_KEYS = 100
_PINNED_RESULTS = 1000


@dataclass(slots=True)
class Pinned:
    """A result set of readByQuery, as record numbers, and the position reached in it."""

    company: str
    object_name: str
    fields: str
    size: int
    numbers: list[int]
    position: int = 0


@dataclass(slots=True)
class ResultSets:
    """The result sets that readMore can continue. At most 1,000 are kept; the oldest are dropped."""

    pinned: dict[str, Pinned] = field(default_factory=dict)
    latest: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def add(self, call: Call, pinned: Pinned) -> str:
        """Pin a result set, and return its id."""
        result_id = secrets.token_hex(16)
        self.pinned[result_id] = pinned
        self.latest[call.company, call.session.id, pinned.object_name] = result_id
        while len(self.pinned) > _PINNED_RESULTS:
            del self.pinned[next(iter(self.pinned))]
        return result_id

    def find(self, call: Call) -> tuple[str, Pinned] | None:
        """Find the result set of a readMore, given by id or by object (the session's latest of it). None: unknown."""
        result_id = text(call.element, "resultId")
        if not result_id:
            key = (call.company, call.session.id, text(call.element, "object").upper())
            result_id = self.latest.get(key, "")
        pinned = self.pinned.get(result_id)
        return (result_id, pinned) if pinned and pinned.company == call.company else None


def read_by_query(call: Call, results: ResultSets) -> FunctionSuccess:
    """Run a query, and answer with its first page."""
    object_type = call.object_type(text(call.element, "object"))
    source = Source(call, object_type, "readByQuery")
    condition = where.parse(source, text(call.element, "query"))
    size = text(call.element, "pagesize") or str(DEFAULT_PAGE)
    if not size.isdecimal() or not 1 <= int(size) <= MAX_PAGE:
        raise _malformed(f"pagesize must be a whole number from 1 to {MAX_PAGE}")
    fields = text(call.element, "fields") or "*"
    _columns(source, fields)
    rows = _visible(call, object_type, [], condition)
    numbers = [row["RECORDNO"] for row in rows]
    pinned = Pinned(call.company, object_type.name, fields, int(size), numbers)
    return _page(call, results.add(call, pinned), pinned)


def read_more(call: Call, results: ResultSets) -> FunctionSuccess:
    """Answer with the next page of a pinned result set."""
    found = results.find(call)
    if found is None:
        raise _malformed("there is no result set to read more of")
    return _page(call, *found)


def _page(call: Call, result_id: str, pinned: Pinned) -> FunctionSuccess:
    object_type = call.object_type(pinned.object_name)
    numbers = pinned.numbers[pinned.position : pinned.position + pinned.size]
    pinned.position += len(numbers)
    columns = _columns(Source(call, object_type, "readByQuery"), pinned.fields)
    rows = _visible(call, object_type, columns, _one_of("t.RECORDNO", [str(number) for number in numbers]))
    data = etree.Element(
        "data",
        listtype=object_type.name.lower(),
        count=str(len(rows)),
        totalcount=str(len(pinned.numbers)),
        numremaining=str(len(pinned.numbers) - pinned.position),
        resultId=result_id,
    )
    _records(data, object_type, columns, rows)
    return FunctionSuccess(data=data)


def read(call: Call) -> FunctionSuccess:
    """Answer with records by record number; documents include their lines."""
    object_type = call.object_type(text(call.element, "object"))
    keys = [key for key in _keys(call) if key.isdecimal()]
    columns = _columns(Source(call, object_type, "readByQuery"), text(call.element, "fields") or "*")
    rows = _visible(call, object_type, columns, _one_of("t.RECORDNO", keys))
    data = etree.Element("data", listtype=object_type.name.lower(), count=str(len(rows)))
    records = _records(data, object_type, columns, rows)
    kind = BY_HEADER.get(object_type.name)
    if kind and (text(call.element, "fields") or "*") == "*":
        line_type = call.store.setup(call.company).objects[kind.line]
        line_columns = _columns(Source(call, line_type, "readByQuery"), "*")
        for record, row in zip(records, rows, strict=True):
            mine = Condition("t.RECORDKEY = ?", (row["RECORDNO"],))
            lines = _visible(call, line_type, line_columns, mine)
            _records(SubElement(record, kind.lines), line_type, line_columns, lines)
    return FunctionSuccess(data=data)


def read_by_name(call: Call) -> FunctionSuccess:
    """Answer with records by their natural id (CUSTOMERID, ACCOUNTNO, CONTACTNAME …)."""
    object_type = call.object_type(text(call.element, "object"))
    columns = _columns(Source(call, object_type, "readByQuery"), text(call.element, "fields") or "*")
    natural = "RECORDID" if object_type.name in BY_HEADER else object_type.natural_column
    rows = _visible(call, object_type, columns, _one_of(f't."{natural}"', _keys(call)))
    data = etree.Element("data", listtype=object_type.name.lower(), count=str(len(rows)))
    _records(data, object_type, columns, rows)
    return FunctionSuccess(data=data)


def _keys(call: Call) -> list[str]:
    keys = [key.strip() for key in text(call.element, "keys").split(",") if key.strip()]
    if len(keys) > MAX_KEYS:
        raise _malformed(f"at most {MAX_KEYS} keys can be read at once")
    return keys


def _one_of(expression: str, values: list[str]) -> Condition:
    return Condition(f"{expression} IN ({', '.join('?' * len(values))})", tuple(values))


def _columns(source: Source, fields: str) -> list[Column]:
    if fields.strip() == "*":
        names = [field.name for field in source.object_type.fields.values() if field.column]
    else:
        names = [name.strip() for name in fields.split(",") if name.strip()]
    return [source.column(name) for name in names]


def _visible(call: Call, object_type: ObjectType, columns: list[Column], condition: Condition) -> list[Row]:
    """Find the rows that fit a condition and that the session may see. Selected columns are named c0, c1 and so on."""
    visible = Visibility.of(call.session)
    selected = "".join(f', {column.sql} AS "c{position}"' for position, column in enumerate(columns))
    owned = " AND t.OBJECT_NAME = ?" if object_type.owned_by is not None else ""
    statement = (
        f'SELECT t.RECORDNO{selected} FROM "{object_type.table}" t WHERE t.COMPANY = ?{owned} AND {visible.sql}'  # noqa: S608 -- names come from the catalogue, values are bound
        f" AND {condition.sql} ORDER BY t.RECORDNO"
    )
    owner = () if object_type.owned_by is None else (object_type.owned_by,)
    return call.database.all(statement, (call.company, *owner, *visible.values, *condition.values))


def _records(parent: Element, object_type: ObjectType, columns: list[Column], rows: list[Row]) -> list[Element]:
    records = []
    for row in rows:
        record = SubElement(parent, object_type.name.lower())
        for position, column in enumerate(columns):
            SubElement(record, column.name).text = shown(column.kind, row[f"c{position}"]) or None
        records.append(record)
    return records


def _malformed(what: str) -> FunctionError:
    return refuse(PROCESSING, f"There was an error processing the request: {what}.")
