"""Text from outside inside text of ours: on one line, printable, of bounded length."""

LONGEST = 500
"""Characters of a detail: enough to find what it speaks of, little enough for any header, log line or result."""
_CUT = "..."


def printable(text: str) -> str:
    """The text, whole, with every character that is not printable written as its escape; as `one_line`."""
    return text if text.isprintable() else "".join([sign if sign.isprintable() else _escape(sign) for sign in text])


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text with every character that is not printable written as its escape, cut with three dots.

    Line ends, control characters, marks that turn the direction of writing and lone surrogates can then neither break
    a line nor show it as another one. What is clean comes back as it is, so cleaning twice is cleaning once.
    """
    if len(text) <= longest and text.isprintable():
        return text
    clean = printable(text[: longest + 1])
    return clean if len(text) <= longest and len(clean) <= longest else clean[: longest - len(_CUT)] + _CUT


_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ONE_BYTE, _TWO_BYTES = 0x100, 0x10000


def _escape(sign: str) -> str:
    """As Python writes it. By hand: codecs are gone when the last log lines of a process are written."""
    code = ord(sign)
    if code < _ONE_BYTE:
        return _SHORT.get(sign) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _TWO_BYTES else f"\\U{code:08x}"
