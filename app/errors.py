"""The errors that end a command: one line for a person, and the exit code.

::

    CommandError            1  something outside is wrong: a broker, a topic, a record
    └── UsageError          2  the request or the configuration is not possible
        └── SettingsError   2  the environment is wrong

`app.cli` lists the errors of other packages that are also shown as one line.
"""

from typing import ClassVar


class CommandError(Exception):
    """An error that ends the command. Its text tells a person what is wrong and what to do."""

    exit_code: ClassVar[int] = 1


class UsageError(CommandError):
    """The person's request cannot be carried out as given."""

    exit_code: ClassVar[int] = 2


class SettingsError(UsageError):
    """The environment is incomplete or contradictory. `findings` lists every problem, never a value."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = tuple(findings)
