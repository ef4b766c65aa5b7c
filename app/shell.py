"""Command lines in advice that a person can paste, names with blanks, quotes, `&` or a leading dash included."""

from shlex import quote


def command_line(command: str, *words: str) -> str:
    """``alvys-sage COMMAND`` with its arguments quoted, after `--` where one of them begins like an option."""
    guard = ["--"] if any(word.startswith("-") for word in words) else []
    return " ".join(["alvys-sage", command, *guard, *map(quote, words)])


def first_argument(text: str) -> str:
    """A command's first argument within a line of advice: quoted, and after `--` where it begins like an option."""
    return f"-- {quote(text)}" if text.startswith("-") else quote(text)
