"""The documents of one partition that are in flight: one revision after the other (promise 4)."""

from collections import deque
from collections.abc import Callable

from consumers.export.work_item import WorkItem


class InFlight:
    """Each document in flight, with the later work items that wait for it; and the documents in doubt."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[WorkItem]] = {}
        self._in_doubt: dict[str, WorkItem] = {}

    def __contains__(self, key: str) -> bool:
        """Whether the document is in flight."""
        return key in self._waiting

    def __len__(self) -> int:
        """Number of documents in work. In-doubt documents do not count: they only wait for Sage, however long."""
        return len(self._waiting) - len(self._in_doubt)

    def admit(self, work: WorkItem) -> bool:
        """Take a work item. Returns True if it may start at once, False if it waits for an earlier one."""
        if (waiting := self._waiting.get(work.key)) is not None:
            waiting.append(work)
            return False
        self._waiting[work.key] = deque()
        return True

    def next(self, work: WorkItem) -> WorkItem | None:
        """End a work item. Returns the next item of its document, which may start now, or None."""
        if waiting := self._waiting[work.key]:
            return waiting.popleft()
        del self._waiting[work.key]
        return None

    def drop(self, work: WorkItem) -> None:
        """Drop the document, with all work items that wait for it."""
        del self._waiting[work.key]

    def mark_in_doubt(self, work: WorkItem) -> None:
        """Mark the document as in doubt. Its record has ended, so from now on a command may take its place."""
        self._in_doubt[work.key] = work

    def resolve(self, work: WorkItem) -> None:
        """Mark the document as no longer in doubt: its outcome is known."""
        self._in_doubt.pop(work.key, None)

    def waits_for_proof(self, key: str) -> bool:
        """Whether the document rests in doubt after a look-up that proved nothing, so that it may take long."""
        return key in self._in_doubt and self._in_doubt[key].life.waits_for_proof

    def waiting(self, key: str) -> tuple[WorkItem, ...]:
        """The work items that wait for the one in flight."""
        return tuple(self._waiting.get(key, ()))

    def remove(self, work: WorkItem) -> None:
        """Remove a work item that waits: it was answered without its turn."""
        self._waiting[work.key].remove(work)

    def yield_to_command(self, key: str, about: Callable[[WorkItem], bool]) -> tuple[WorkItem, WorkItem] | None:
        """Let a waiting command replace an in-doubt document.

        Args:
            key: The document key.
            about: Whether a command's work item is about the revision that is in doubt.

        Returns:
            The replaced work item and the command's item, which may start now; None if no command waits, or if the
            document is not in doubt.
        """
        waiting = self._waiting.get(key, ())
        asked = next((work for work in waiting if work.command is not None and about(work)), None)
        if asked is None or key not in self._in_doubt:
            return None
        self._waiting[key].remove(asked)
        doubtful = self._in_doubt.pop(key)
        return doubtful, asked
