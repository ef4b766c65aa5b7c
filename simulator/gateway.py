"""The processing of a request, from its bytes to its answer: sign in, run the functions, commit, answer.

Source: Sage developer documentation, web-services/requests and web-services/responses. Promises:

1. With `uniqueid` true, a control id whose function has completed is refused for ever in that company; the first answer
   is not repeated. A function that failed may be sent again with the same control id.
2. A control id is recorded in the same transaction as the effect of its function: both are stored, or neither.
3. While a request is being served, a second request with one of its control ids gets that function refused. Whether
   Sage detects this is not documented; a refusal is safe, because it posts nothing twice.
4. The answer is sent after the commit. With `transaction="true"` one failure rolls back every function of the
   operation: the failed one reports XL03000009 last, the others are `aborted`, and no control id is recorded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from simulator import functions
from simulator.answer import Answer, Result, SignedIn, render
from simulator.auth import Session, admit_sender, company_of, sign_in
from simulator.call import Call, FunctionSuccess
from simulator.envelope import Function, Login, Operation, Request, parse
from simulator.errors import (
    ASSUMED_DUPLICATE_CONTROL_ID,
    ASSUMED_DUPLICATE_CONTROL_ID_TEXT,
    IN_FLIGHT_CONTROL_ID_TEXT,
    ROLLED_BACK,
    FunctionError,
    SageError,
    SignInError,
    refuse,
)
from simulator.functions.reading import ResultSets
from simulator.functions.schema import check
from simulator.store import Store

_ROLLED_BACK_TEXT = "The entire transaction in this operation has been rolled back due to an error."


class _RolledBackError(Exception):
    """Raised to roll back the transaction of an operation in which a function failed."""


@dataclass(slots=True)
class Admitted:
    """A request that passed the control level, and those of its control ids that another request is using."""

    request: Request
    company: str
    held_elsewhere: frozenset[str] = frozenset()
    endpoint: str = ""
    """The address that the caller used. getAPISession answers with it, so that sessions work through a mapped port."""

    @property
    def names(self) -> list[str]:
        """The names of the request's functions."""
        return [function.name for function in self.request.functions]


@dataclass(slots=True)
class Gateway:
    """The gateway of one store. `endpoint` is its address."""

    store: Store
    endpoint: str = ""
    results: ResultSets = field(default_factory=ResultSets)
    _in_flight: set[tuple[str, str]] = field(default_factory=set)

    def admit(self, body: bytes) -> Admitted:
        """Parse a request and make the checks of the control level; raises ControlError if one fails."""
        request = parse(body)
        for function in request.functions:
            check(function)
        admit_sender(self.store, request)
        return Admitted(request, company_of(self.store, request.operations[0]))

    @contextmanager
    def holding(self, admitted: Admitted) -> Iterator[None]:
        """Reserve the request's control ids until it is answered, and note those that another request has reserved."""
        if not admitted.request.unique_id:
            yield
            return
        wanted = {(admitted.company, function.control_id) for function in admitted.request.functions}
        admitted.held_elsewhere = frozenset(control_id for _, control_id in wanted & self._in_flight)
        mine = wanted - self._in_flight
        self._in_flight |= mine
        try:
            yield
        finally:
            self._in_flight -= mine

    def execute(self, admitted: Admitted, *, only_first: int | None = None) -> bytes:
        """Run every function, commit, and render the answer.

        Args:
            admitted: The request.
            only_first: Stop each operation after this number of functions, like a process that dies; None: run all.
        """
        operations = admitted.request.operations
        if only_first is not None:
            operations = tuple(_cut(operation, only_first) for operation in operations)
        return render(admitted.request, [self._operation(admitted, operation) for operation in operations])

    def fail(self, admitted: Admitted, error: SageError | None) -> bytes:
        """Render an answer in which every function failed and none was executed. `error` None: without an error."""
        errors = (error,) if error else ()
        answers = []
        for operation in admitted.request.operations:
            signed_in = _signed_in(operation, None, admitted.company)
            results = tuple(Result(f.name, f.control_id, "failure", errors=errors) for f in operation.functions)
            answers.append(Answer(signed_in, results))
        return render(admitted.request, answers)

    def _operation(self, admitted: Admitted, operation: Operation) -> Answer:
        try:
            session = sign_in(self.store, admitted.request, operation)
        except SignInError as error:
            return Answer(_signed_in(operation, None, ""), refusal=error.error)
        run = self._together if operation.transaction else self._independently
        return Answer(_signed_in(operation, session, session.company), tuple(run(admitted, session, operation)))

    def _independently(self, admitted: Admitted, session: Session, operation: Operation) -> list[Result]:
        with self.store.database.atomic():
            return [self._function(admitted, session, function) for function in operation.functions]

    def _together(self, admitted: Admitted, session: Session, operation: Operation) -> list[Result]:
        results: list[Result] = []
        try:
            with self.store.database.atomic():
                for function in operation.functions:
                    results.append(self._function(admitted, session, function))
                    _expect_success(results[-1])
        except _RolledBackError:
            return _aborted(operation, len(results) - 1, results[-1])
        return results

    def _function(self, admitted: Admitted, session: Session, function: Function) -> Result:
        call = Call(
            self.store,
            session,
            function.name,
            function.control_id,
            function.element,
            self.store.now_in(session.company),
            admitted.endpoint or self.endpoint,
        )
        try:
            with self.store.database.atomic():
                outcome = self._once(admitted, call)
        except FunctionError as error:
            data = functions.empty_data() if function.name == "create" else None
            return Result(function.name, function.control_id, "failure", data=data, errors=error.errors)
        return Result(function.name, function.control_id, "success", outcome.key, outcome.data)

    def _once(self, admitted: Admitted, call: Call) -> FunctionSuccess:
        if admitted.request.unique_id:
            if call.control_id in admitted.held_elsewhere:
                raise _duplicate(IN_FLIGHT_CONTROL_ID_TEXT, call.control_id)
            if self.store.completed(call.company, call.control_id):
                raise _duplicate(ASSUMED_DUPLICATE_CONTROL_ID_TEXT, call.control_id)
        outcome = functions.execute(call, self.results)
        if admitted.request.unique_id:
            self.store.remember(call.company, call.control_id, call.function)
        return outcome


def _expect_success(result: Result) -> None:
    if result.status != "success":
        raise _RolledBackError


def _cut(operation: Operation, only_first: int) -> Operation:
    """The part of an operation that a dying process leaves committed. Of a transaction that is nothing."""
    kept = () if operation.transaction else operation.functions[:only_first]
    return Operation(operation.transaction, operation.sign_in, kept)


def _aborted(operation: Operation, position: int, failed: Result) -> list[Result]:
    rolled_back = SageError(ROLLED_BACK, _ROLLED_BACK_TEXT)
    results = []
    for current, function in enumerate(operation.functions):
        if current == position:
            errors = (*failed.errors, rolled_back)
            results.append(Result(function.name, function.control_id, "failure", errors=errors))
        else:
            results.append(Result(function.name, function.control_id, "aborted", errors=(rolled_back,)))
    return results


def _signed_in(operation: Operation, session: Session | None, company: str) -> SignedIn:
    if session:
        return SignedIn(session.user, session.company, session.entity, session.since, session.until)
    if isinstance(operation.sign_in, Login):
        return SignedIn(operation.sign_in.user_id, operation.sign_in.company_id, operation.sign_in.entity_id)
    return SignedIn("", company)


def _duplicate(text: str, control_id: str) -> FunctionError:
    return refuse(ASSUMED_DUPLICATE_CONTROL_ID, text.format(control_id=control_id))
