"""Reads: many queries in one request, each followed to its last page. A read either is complete or raises."""

from collections.abc import Awaitable, Callable, Sequence

from sage_client._classify import as_read, classify
from sage_client._envelope import function, unique_id
from sage_client._kinds import Level
from sage_client._reply import SUCCESS, Reply, Result, Row, whole_number
from sage_client.errors import UnavailableError
from sage_client.query import Changes, Query

FUNCTIONS_PER_REQUEST = 100
"""The hard limit is published nowhere; about a hundred is what Sage's own advice for one request comes to."""

Send = Callable[[Sequence[str]], Awaitable[Reply]]
"""Sends functions that only read, and returns the answer."""


async def read_one(send: Send, xml: Sequence[str]) -> list[Result]:
    """The results of functions that answer with one page, in the functions' order.

    Raises:
        SageError: A function was refused, or the answer lacked its result.
    """
    functions = {unique_id(): each for each in xml}
    reply = await send([function(control_id, each) for control_id, each in functions.items()])
    return [_result(reply, control_id) for control_id in functions]


async def read_all(send: Send, queries: Sequence[Query]) -> list[list[Row]]:
    """The rows of each query, in the queries' order.

    Raises:
        SageError: A query was refused, or an answer lacked a part; nothing incomplete is returned.
    """
    rows: list[list[Row]] = [[] for _ in queries]
    todo: list[tuple[int, int | None]] = [(number, None) for number in range(len(queries))]
    while todo:
        now, todo = todo[:FUNCTIONS_PER_REQUEST], todo[FUNCTIONS_PER_REQUEST:]
        asked = {unique_id(): place for place in now}
        reply = await send([function(name, queries[number].xml(after)) for name, (number, after) in asked.items()])
        for name, (number, after) in asked.items():
            page = _result(reply, name)
            rows[number] += page.rows
            if not _last(page):
                todo.append((number, _advanced(page, queries[number].key, after)))
    return rows


async def read_page(send: Send, query: Query | Changes, after: int | None = None) -> tuple[list[Row], bool]:
    """One page of one query, in a request of its own, and whether it is the last.

    Raises:
        SageError: The query was refused, or the answer lacked a part.
    """
    xml = query.xml(after) if isinstance(query, Query) else query.xml()
    control_id = unique_id()
    page = _result(await send([function(control_id, xml)]), control_id)
    return list(page.rows), _last(page)


def _result(reply: Reply, control_id: str) -> Result:
    results = [result for result in reply.results if result.control_id == control_id]
    if len(results) != 1:
        raise UnavailableError(f"{len(results)} results for one query", level=Level.RESULT)
    if results[0].status != SUCCESS:
        raise as_read(classify(Level.RESULT, None, results[0].errors))
    return results[0]


def _last(page: Result) -> bool:
    """`numremaining` decides; a short page does not, for Sage may give fewer rows than were asked for."""
    return not page.rows or page.remaining == 0


def _advanced(page: Result, key: str, after: int | None) -> int:
    """The last key of a page, whose keys must rise: else the next page would skip or repeat."""
    seen = after if after is not None else -1
    for row in page.rows:
        number = whole_number(row.get(key, ""))
        if number is None or number <= seen:
            raise UnavailableError(f"a page is not in the order of {key}", level=Level.RESULT)
        seen = number
    return seen
