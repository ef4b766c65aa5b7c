"""Command lines that a person can copy from advice, safe for names with blanks, quotes, `&` or a leading dash."""

from shlex import quote


def command_line(command: str, *words: str) -> str:
    """Build ``alvys-sage COMMAND`` with quoted arguments, after `--` if one of them looks like an option."""
    guard = ["--"] if any(word.startswith("-") for word in words) else []
    return " ".join(["alvys-sage", command, *guard, *map(quote, words)])


def first_argument(text: str) -> str:
    """Quote a command's first argument for a line of advice, after `--` if the argument looks like an option."""
    return f"-- {quote(text)}" if text.startswith("-") else quote(text)
