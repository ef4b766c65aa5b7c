"""Cleaning of foreign text for our own texts: one line, printable characters only, limited length."""

LONGEST = 500
"""Most characters of a detail: enough to find its subject, and short enough for a header, log line or result."""
_CUT = "..."


def printable(text: str) -> str:
    """Replace every character that is not printable by its escape, like `single_line`, but without cutting the text."""
    return text if text.isprintable() else "".join([sign if sign.isprintable() else _escape(sign) for sign in text])


def single_line(text: str, longest: int = LONGEST) -> str:
    """Replace every character that is not printable by its escape, and cut the text to `longest` with three dots.

    Line ends, control characters, marks that change the writing direction, and lone surrogates can then neither break a
    line nor disguise it. A clean text is returned unchanged, so cleaning twice has the same effect as cleaning once.
    """
    if len(text) <= longest and text.isprintable():
        return text
    clean = printable(text[: longest + 1])
    return clean if len(text) <= longest and len(clean) <= longest else clean[: longest - len(_CUT)] + _CUT


_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ONE_BYTE, _TWO_BYTES = 0x100, 0x10000


def _escape(sign: str) -> str:
    """Escape a character like Python. No codec is used: codecs are gone when a process writes its last log lines."""
    code = ord(sign)
    if code < _ONE_BYTE:
        return _SHORT.get(sign) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _TWO_BYTES else f"\\U{code:08x}"
