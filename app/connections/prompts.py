"""The wizard's source of answers: a person on a terminal, or nobody if all answers were given beforehand."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rich.console import Console
from rich.prompt import Confirm, Prompt
from rich.text import Text

from app.connections.findings import Finding, WizardStep
from app.errors import UsageError
from domain.text import printable

T = TypeVar("T")
Groups = Mapping[str, Sequence[tuple[str, str]]]
"""Choices by heading; each is a value and its text for people."""


class MissingAnswersError(UsageError):
    """A question has no answer, and no person is there to ask."""


class InputEndedError(UsageError):
    """The input ended before all questions were answered; nothing was written."""


class Prompter(Protocol):
    """Source of answers. `name` is always the name of the answer in a file of answers."""

    @property
    def interactive(self) -> bool:
        """Whether a person answers."""

    def begin(self, step: WizardStep, lines: Sequence[str] = ()) -> None:
        """Announce a step of the wizard, with introductory lines."""

    def tell(self, text: str) -> None:
        """Show a text to the person."""

    def text(self, name: str, question: str, default: str | None = None) -> str:
        """Ask for a text that is not empty."""

    def optional(self, name: str, question: str, default: str | None = None) -> str | None:
        """Ask for a text; None: no text is wanted."""

    def yes(self, name: str, question: str, *, default: bool) -> bool:
        """Ask yes or no."""

    def choose(self, name: str, question: str, groups: Groups, default: str | None = None) -> str:
        """Ask for one of the choices. Raises MissingAnswersError if no person answers and there is no default."""

    def choose_step_to_fix(self, findings: Sequence[Finding]) -> WizardStep | None:
        """Ask for the step to go back to after the check found errors. None: leave the connection not set up."""

    def again(self, error: str) -> WizardStep | None:
        """Ask for the step to go back to after a failure; all answers are kept. None: end the wizard."""


@dataclass(frozen=True, slots=True)
class NonInteractive:
    """A `Prompter` without a person: it answers with the defaults; MissingAnswersError where there is none."""

    interactive: bool = False

    def begin(self, step: WizardStep, lines: Sequence[str] = ()) -> None:
        """Nothing to show."""

    def tell(self, text: str) -> None:
        """Nothing to show."""

    def text(self, name: str, question: str, default: str | None = None) -> str:
        """Return the default; MissingAnswersError if there is none."""
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
        """Return the default; MissingAnswersError, which lists the choices, if there is none."""
        if default is not None:
            return default
        listed = [shown for group in groups.values() for _, shown in group]
        some = "; ".join(listed[:20]) + ("; …" if len(listed) > 20 else "")  # noqa: PLR2004 - what fits
        raise MissingAnswersError(f"{name} is not answered ({question}); there are: {some or 'none'}")

    def choose_step_to_fix(self, findings: Sequence[Finding]) -> WizardStep | None:  # noqa: ARG002 - as above
        """Return None: without a person, no step is repeated."""
        return None

    def again(self, error: str) -> WizardStep | None:  # noqa: ARG002 - as above
        """Return None: without a person, no step is repeated."""
        return None


class Terminal:
    """A `Prompter` that asks a person on the terminal. If the input ends, the wizard ends and nothing is written.

    Questions are plain text, never markup, so names in brackets (of settings, or from Sage) are shown as they are.
    """

    interactive = True

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False)

    def begin(self, step: WizardStep, lines: Sequence[str] = ()) -> None:
        """Print the step's number and title, then the lines."""
        self._console.print()
        self._console.print(f"Step {int(step)} of {len(WizardStep)}: {step.title}", style="bold")
        for line in lines:
            self._say(line)

    def tell(self, text: str) -> None:
        """Print the text."""
        for line in text.splitlines():
            self._say(line)

    def _say(self, line: str, style: str = "") -> None:
        """Print one line with unprintable characters escaped: text from Sage or a file may contain anything."""
        self._console.print(Text(printable(line), style=style))

    def text(self, name: str, question: str, default: str | None = None) -> str:
        """Ask until the answer is not empty."""
        while not (found := (self.optional(name, question, default) or "")):
            self._say("Please answer.")
        return found

    def optional(self, name: str, question: str, default: str | None = None) -> str | None:  # noqa: ARG002 - Asker's
        """Ask once. A dash as the answer removes the default."""
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

    def choose_step_to_fix(self, findings: Sequence[Finding]) -> WizardStep | None:
        """Ask which step to go back to."""
        steps = sorted({each.step for each in findings})
        named = ", ".join(f"{int(each)} ({each.title})" for each in steps)
        self._say(f"Mended in: {named}. Mend it in Sage Intacct and check again with 6.")
        return self._step("Go back to which step? Enter leaves it paused, not set up")

    def again(self, error: str) -> WizardStep | None:
        """Show what failed and ask which step to go back to."""
        self._say(f"error: {error}")
        self._say("Your answers are kept. Mend it and try again, or answer otherwise.")
        return self._step("Go back to which step? Enter ends, and keeps the answers in a file")

    def _step(self, question: str) -> WizardStep | None:
        allowed = [str(int(each)) for each in WizardStep if each is not WizardStep.SUBSIDIARY]
        answer = self.optional("", question)
        while answer is not None and answer not in allowed:
            answer = self.optional("", question)
        return None if answer is None else WizardStep(int(answer))


def prompter_for_terminal() -> Prompter:
    """Make an asker: `Terminal` if standard input and output are a terminal, else `NonInteractive`."""
    return Terminal() if sys.stdin.isatty() and sys.stdout.isatty() else NonInteractive()


def _ended(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except EOFError:
        raise InputEndedError("the input ended; nothing was written") from None
