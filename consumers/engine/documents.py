"""The documents of one partition that are on their way: one revision after the other (promise 4)."""

from collections import deque
from collections.abc import Callable

from consumers.engine.work import Work


class Documents:
    """Each document on its way, with the later works that wait for it; and those in doubt, looked for in Sage."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Work]] = {}
        self._in_doubt: dict[str, Work] = {}

    def __contains__(self, key: str) -> bool:
        """Whether the document is on its way."""
        return key in self._waiting

    def __len__(self) -> int:
        """How many documents are being worked on; those in doubt only wait for Sage, however long."""
        return len(self._waiting) - len(self._in_doubt)

    def admit(self, work: Work) -> bool:
        """Take a work; True when it may go at once, False when it waits for an earlier one."""
        if (waiting := self._waiting.get(work.key)) is not None:
            waiting.append(work)
            return False
        self._waiting[work.key] = deque()
        return True

    def next(self, work: Work) -> Work | None:
        """The work ended: the next one of its document, which may go now; None if there is none."""
        if waiting := self._waiting[work.key]:
            return waiting.popleft()
        del self._waiting[work.key]
        return None

    def drop(self, work: Work) -> None:
        """The document is let go, with all that waits for it."""
        del self._waiting[work.key]

    def doubt(self, work: Work) -> None:
        """Its outcome is looked for, and its record has ended: a person may speak before it is found."""
        self._in_doubt[work.key] = work

    def settle(self, work: Work) -> None:
        """Its outcome is known."""
        self._in_doubt.pop(work.key, None)

    def give_way(self, key: str, about: Callable[[Work], bool]) -> tuple[Work, Work] | None:
        """A document in doubt lets a person speak: what was looked for, and what was asked, which may go now.

        `about`: whether what is asked is about what is in doubt.
        """
        waiting = self._waiting.get(key, ())
        asked = next((work for work in waiting if work.asked is not None and about(work)), None)
        if asked is None or key not in self._in_doubt:
            return None
        self._waiting[key].remove(asked)
        doubtful = self._in_doubt.pop(key)
        doubtful.withdrawn = True
        return doubtful, asked
