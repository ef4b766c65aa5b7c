"""Who answers the wizard: a person on a terminal, or nobody, where the answers were given beforehand."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rich.console import Console
from rich.prompt import Confirm, Prompt
from rich.text import Text

from app.connections.findings import Finding, Step
from app.errors import UsageError
from domain.words import printable

T = TypeVar("T")
Groups = Mapping[str, Sequence[tuple[str, str]]]
"""Choices under headings: the value, and how it is shown."""


class MissingAnswersError(UsageError):
    """Nobody is there to answer."""


class InputEndedError(UsageError):
    """Whoever was there has gone; nothing was written."""


class Asker(Protocol):
    """Answers questions. `name` is what an answer is called in a file of answers."""

    @property
    def interactive(self) -> bool:
        """Whether somebody is there."""

    def begin(self, step: Step, lines: Sequence[str] = ()) -> None:
        """A step of the wizard begins."""

    def tell(self, text: str) -> None:
        """Something to read."""

    def text(self, name: str, question: str, default: str | None = None) -> str:
        """A text, not empty."""

    def optional(self, name: str, question: str, default: str | None = None) -> str | None:
        """A text, or nothing."""

    def yes(self, name: str, question: str, *, default: bool) -> bool:
        """Yes or no."""

    def choose(self, name: str, question: str, groups: Groups, default: str | None = None) -> str:
        """One of the choices; MissingAnswersError where nobody answers."""

    def mend(self, findings: Sequence[Finding]) -> Step | None:
        """Errors were found: the step to go back to; None: leave it so."""

    def again(self, error: str) -> Step | None:
        """Something failed: the step to go back to, with all that was answered; None: end."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """Defaults answer what has one; everything else is missing."""

    interactive: bool = False

    def begin(self, step: Step, lines: Sequence[str] = ()) -> None:
        """Nothing to show."""

    def tell(self, text: str) -> None:
        """Nothing to show."""

    def text(self, name: str, question: str, default: str | None = None) -> str:
        """The default, or MissingAnswersError."""
        if default is None:
            raise MissingAnswersError(f"{name} is not answered ({question}); give it in --answers or by its option")
        return default

    def optional(self, name: str, question: str, default: str | None = None) -> str | None:  # noqa: ARG002 - as above
        """The default."""
        return default

    def yes(self, name: str, question: str, *, default: bool) -> bool:  # noqa: ARG002 - as above
        """The default."""
        return default

    def choose(self, name: str, question: str, groups: Groups, default: str | None = None) -> str:
        """The default, or MissingAnswersError with the choices."""
        if default is not None:
            return default
        listed = [shown for group in groups.values() for _, shown in group]
        some = "; ".join(listed[:20]) + ("; …" if len(listed) > 20 else "")  # noqa: PLR2004 - what fits
        raise MissingAnswersError(f"{name} is not answered ({question}); there are: {some or 'none'}")

    def mend(self, findings: Sequence[Finding]) -> Step | None:  # noqa: ARG002 - as above
        """Nobody mends."""
        return None

    def again(self, error: str) -> Step | None:  # noqa: ARG002 - as above
        """Nobody tries again."""
        return None


class Terminal:
    """A person. The end of the input ends the wizard with nothing written.

    Questions are texts, never markup: a setting's name in brackets is shown, and so is a name that Sage gives.
    """

    interactive = True

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False)

    def begin(self, step: Step, lines: Sequence[str] = ()) -> None:
        """The step's title as the wizard shows it."""
        self._console.print()
        self._console.print(f"Step {int(step)} of {len(Step)}: {step.title}", style="bold")
        for line in lines:
            self._say(line)

    def tell(self, text: str) -> None:
        """Print it."""
        for line in text.splitlines():
            self._say(line)

    def _say(self, line: str, style: str = "") -> None:
        """Print one line, whatever Sage or a file put into it, as text that moves nothing."""
        self._console.print(Text(printable(line), style=style))

    def text(self, name: str, question: str, default: str | None = None) -> str:
        """Ask until something is answered."""
        while not (found := (self.optional(name, question, default) or "")):
            self._say("Please answer.")
        return found

    def optional(self, name: str, question: str, default: str | None = None) -> str | None:  # noqa: ARG002 - Asker's
        """Ask once; a dash takes a default away."""
        found = _ended(
            lambda: Prompt.ask(
                Text(printable(question)), console=self._console, default=default or "", show_default=bool(default)
            )
        ).strip()
        return None if found in {"", "-"} else found

    def yes(self, name: str, question: str, *, default: bool) -> bool:  # noqa: ARG002 - Asker's
        """Ask yes or no."""
        return _ended(lambda: Confirm.ask(Text(printable(question)), console=self._console, default=default))

    def choose(self, name: str, question: str, groups: Groups, default: str | None = None) -> str:
        """Show the choices under their headings and ask for one of them."""
        for heading, choices in groups.items():
            self._say(heading, "underline")
            for _, shown in choices:
                self._say(f"  {shown}")
        values = {value for group in groups.values() for value, _ in group}
        while (found := self.text(name, question, default)) not in values:
            self._say(f"{found!r} is none of them.")
        return found

    def mend(self, findings: Sequence[Finding]) -> Step | None:
        """Ask which step to go back to."""
        steps = sorted({each.step for each in findings})
        named = ", ".join(f"{int(each)} ({each.title})" for each in steps)
        self._say(f"Mended in: {named}. Mend it in Sage Intacct and check again with 6.")
        return self._step("Go back to which step? Enter leaves it paused, not set up")

    def again(self, error: str) -> Step | None:
        """Show what failed and ask which step to go back to."""
        self._say(f"error: {error}")
        self._say("Your answers are kept. Mend it and try again, or answer otherwise.")
        return self._step("Go back to which step? Enter ends, and keeps the answers in a file")

    def _step(self, question: str) -> Step | None:
        allowed = [str(int(each)) for each in Step if each is not Step.SUBSIDIARY]
        answer = self.optional("", question)
        while answer is not None and answer not in allowed:
            answer = self.optional("", question)
        return None if answer is None else Step(int(answer))


def somebody() -> Asker:
    """A person where there is a terminal, else nobody."""
    return Terminal() if sys.stdin.isatty() and sys.stdout.isatty() else Nobody()


def _ended(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except EOFError:
        raise InputEndedError("the input ended; nothing was written") from None
