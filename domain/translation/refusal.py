"""The exception that stops a translation. It stays inside `domain.translation`, which returns it as a `Rejected`."""

from domain.codes import Code
from domain.outcomes import Rejected


class Refusal(Exception):  # noqa: N818 - it never leaves the package; outside it is a `Rejected`
    """The document of an event cannot be used, mostly because it contradicts itself; `rejected` says why."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(code, detail)
        self.rejected = Rejected(code, detail)
