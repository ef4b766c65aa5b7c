"""Reads: many queries in one request, each read to its last page. A read is complete, or it raises an error.

Every query passes through this module, which adapts it to the fields that the company has (`_fields`) before sending.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from sage_client._classify import as_read, classify
from sage_client._envelope import function, unique_id
from sage_client._error_categories import ErrorCategory, ExchangeLevel
from sage_client._fields import FRESH, CompanyFields, about_fields, listed, lookup, refused_names
from sage_client._reply import SUCCESS, Reply, Result, SageRow, whole_number
from sage_client.errors import SageError, UnavailableError
from sage_client.query import Changes, Query, missing

FUNCTIONS_PER_REQUEST = 100
"""Most functions in one request. No hard limit is published; Sage's own advice amounts to about a hundred."""

Send = Callable[[Sequence[str]], Awaitable[Reply]]
"""Function that sends functions which only read, and returns the answer."""

Q = TypeVar("Q", Query, Changes)


async def read_one(send: Send, xml: Sequence[str]) -> list[Result]:
    """Send functions that answer with one page each, and return their results in the same order.

    Args:
        send: Sends the functions in a session.
        xml: The functions, without control ids.

    Raises:
        SageError: Sage refused a function, or the answer had no result for it.
    """
    functions = {unique_id(): each for each in xml}
    reply = await send([function(control_id, each) for control_id, each in functions.items()])
    return [_result(reply, control_id) for control_id in functions]


class Reads:
    """The queries of one login.

    Args:
        send: Sends functions in the session of the login.
        fields: The known fields of the company.
    """

    def __init__(self, send: Send, fields: CompanyFields) -> None:
        self._send = send
        self._fields = fields

    async def all(self, queries: Sequence[Query]) -> list[list[SageRow]]:
        """Read all rows of each query, in the order of the queries.

        Raises:
            SageError: Sage refused a query, or an answer lacked a part. Incomplete rows are never returned.
        """
        await self._ask_for_fields(queries)
        rows: list[list[SageRow]] = [[] for _ in queries]
        fitted = [query.fitted(self._fields.of(query.object)) for query in queries]
        todo: list[tuple[int, int | None]] = [(number, None) for number in range(len(queries))]
        while todo:
            now, todo = todo[:FUNCTIONS_PER_REQUEST], todo[FUNCTIONS_PER_REQUEST:]
            asked = {unique_id(): place for place in now}
            reply = await self._send(
                [function(name, fitted[number].xml(after)) for name, (number, after) in asked.items()]
            )
            for name, (number, after) in asked.items():
                try:
                    page = _result(reply, name)
                except SageError as error:
                    fitted[number] = await self._without(queries[number], fitted[number], error)
                    todo.append((number, after))
                    continue
                rows[number] += _rows(page, fitted[number])
                if not _last(page):
                    todo.append((number, advanced([row.get(fitted[number].key, "") for row in page.rows], after)))
        return rows

    async def page(self, query: Query | Changes, after: int | None = None) -> tuple[list[SageRow], bool]:
        """Read one page of one query, in a request of its own.

        Args:
            query: The query.
            after: The last key that was read; None: from the beginning. Not used for `Changes`.

        Returns:
            The rows, and whether the page is the last.

        Raises:
            SageError: Sage refused the query, or the answer lacked a part.
        """
        return await (self._page(query, after) if isinstance(query, Query) else self._page(query, None))

    async def _page(self, query: Q, after: int | None) -> tuple[list[SageRow], bool]:
        await self._ask_for_fields([query])
        fitted = query.fitted(self._fields.of(query.object))
        while True:
            xml = fitted.xml(after) if isinstance(fitted, Query) else fitted.xml()
            control_id = unique_id()
            reply = await self._send([function(control_id, xml)])
            try:
                page = _result(reply, control_id)
            except SageError as error:
                fitted = await self._without(query, fitted, error)
            else:
                return _rows(page, fitted), _last(page)

    async def _ask_for_fields(self, queries: Iterable[Query | Changes]) -> None:
        """Look up the fields of the queries' objects: one request for those not known yet, most often none."""
        objects = [each.object for each in queries if each.described]
        if not self._fields.missing(objects):
            return
        async with self._fields.lock:
            if unknown := self._fields.missing(objects):
                await self._look_up(unknown)

    async def _look_up(self, objects: Sequence[str]) -> None:
        asked = {unique_id(): each for each in objects}
        try:
            reply = await self._send([function(control_id, lookup(each)) for control_id, each in asked.items()])
        except SageError as error:
            if error.kind not in (ErrorCategory.BUG, ErrorCategory.DATA):
                raise
            reply = None  # the gateway does not accept `lookup` at all
        for control_id, name in asked.items():
            try:
                names = None if reply is None else listed(_result(reply, control_id).data)
            except SageError as error:
                if error.kind in (ErrorCategory.RETRY, ErrorCategory.THROTTLED, ErrorCategory.AUTH):
                    raise
                names = None  # the query itself says whether the user may read the object
            self._fields.learn(name, names)

    async def _without(self, query: Q, fitted: Q, error: SageError) -> Q:
        """Remove from a query the fields for which Sage refused it.

        Args:
            query: The query as it was asked for.
            fitted: The query as it was sent.
            error: The refusal.

        Raises:
            SageError: The refusal itself, if it is about something else, or if no field can be left out.
        """
        names = refused_names(error, (*fitted.names, *fitted.indispensable))
        if not names and not about_fields(error):
            raise error
        if query.described and self._fields.missing([query.object], FRESH):
            async with self._fields.lock:
                if self._fields.missing([query.object], FRESH):
                    await self._look_up([query.object])
        again = query.fitted(self._fields.of(query.object))
        if needed := names & {name.upper() for name in again.indispensable}:
            raise missing(query.object, needed, error) from error
        if names:
            self._fields.leave_out(query.object, names)
            again = query.fitted(self._fields.of(query.object))
        if again == fitted:
            raise error
        return again


def _rows(page: Result, query: Query | Changes) -> list[SageRow]:
    """List the rows of a page, each with all selected fields; a field that the answer lacks becomes empty."""
    wanted = query.names
    for row in page.rows:
        if len(row) < len(wanted):
            for name in wanted:
                row.setdefault(name, "")
    return list(page.rows)


def _result(reply: Reply, control_id: str) -> Result:
    results = [result for result in reply.results if result.control_id == control_id]
    if len(results) != 1:
        raise UnavailableError(f"{len(results)} results for one query", level=ExchangeLevel.RESULT)
    if results[0].status != SUCCESS:
        raise as_read(classify(ExchangeLevel.RESULT, None, results[0].errors))
    return results[0]


def _last(page: Result) -> bool:
    """Whether a page is the last, by `numremaining`. A short page is no proof: Sage may give fewer rows than asked."""
    return not page.rows or page.remaining == 0


def advanced(keys: Sequence[str], after: int | None) -> int:
    """Find the last key of a page, and check that the keys rise; else the next page would skip or repeat rows.

    Raises:
        UnavailableError: The keys do not rise.
    """
    seen = after if after is not None else -1
    for key in keys:
        number = whole_number(key)
        if number is None or number <= seen:
            raise UnavailableError("a page is not in the order of its key", level=ExchangeLevel.RESULT)
        seen = number
    return seen
