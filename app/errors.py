"""The errors that end a command: one line for a person, and the exit code.

::

    CommandError            1  something outside is wrong: a broker, a topic, a record
    └── UsageError          2  what was asked for or configured cannot be
        └── SettingsError   2  the environment

Errors of the layers below that commands also turn into one line are listed in `app.cli`.
"""

from typing import ClassVar


class CommandError(Exception):
    """Ends the command. The text is for a person: what is wrong, and what to do."""

    exit_code: ClassVar[int] = 1


class UsageError(CommandError):
    """What the person asked for cannot be done as it stands."""

    exit_code: ClassVar[int] = 2


class SettingsError(UsageError):
    """The environment is incomplete or contradicts itself. Holds every finding; no finding holds a value."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = tuple(findings)
