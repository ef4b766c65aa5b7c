"""A reading that stops: carried as an exception inside `domain.reading`, answered as a value outside it."""

from domain.codes import Code
from domain.outcomes import Rejected


class Refusal(Exception):  # noqa: N818 - it never leaves the package; outside it is a `Rejected`
    """The document contradicts itself; `rejected` says how."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(code, detail)
        self.rejected = Rejected(code, detail)
