"""Text from outside inside text of ours: on one line, printable, of bounded length."""

LONGEST = 500
"""Characters of a detail: enough to find what it speaks of, little enough for any header, log line or result."""
_CUT = "..."


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text with every character that is not printable written as its escape, cut with three dots.

    Line ends, control characters, marks that turn the direction of writing and lone surrogates can then neither break
    a line nor show it as another one. What is clean comes back as it is, so cleaning twice is cleaning once.
    """
    if len(text) <= longest and text.isprintable():
        return text
    clean = "".join([sign if sign.isprintable() else _escape(sign) for sign in text[: longest + 1]])
    return clean if len(text) <= longest and len(clean) <= longest else clean[: longest - len(_CUT)] + _CUT


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
