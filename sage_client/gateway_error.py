"""One `error` element of a gateway answer, with the support id separated from the text.

Sage ends a message with `[Support ID: …]`, URL-encoded (Sage developer documentation, web-services/requests). The id
differs each time. Without it, equal messages can be grouped. HTML entities in a message (`&#39;` for an apostrophe) are
decoded.
"""

import html
import re
from dataclasses import dataclass
from urllib.parse import unquote

LONGEST = 2000
"""Most characters that are kept of each text.

Sage's texts are far shorter, and a search for support ids in megabytes of spaces would take minutes.
"""
_SUPPORT_ID = re.compile(r"\s*\[Support ID:?\s*([^\]]*)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class GatewayError:
    """The texts of one error of Sage. Every field may be empty, and `errorno` is not always a number."""

    errorno: str = ""
    description: str = ""
    description2: str = ""
    correction: str = ""
    support_ids: tuple[str, ...] = ()
    errorid: str = ""
    """`additionalinfo/errorid`, such as GL-0493. Sage sends it only if it was asked for."""
    category: str = ""
    """`additionalinfo/category`, such as "Duplication Prevention"."""

    @classmethod
    def of(
        cls, errorno: str, description: str, description2: str, correction: str, errorid: str = "", category: str = ""
    ) -> "GatewayError":
        """Build an error from Sage's raw texts, and take the support ids out of them."""
        found: list[str] = []

        def apart(words: str) -> str:
            words = html.unescape(words[:LONGEST])
            found.extend(unquote(match).strip() for match in _SUPPORT_ID.findall(words))
            return _SUPPORT_ID.sub("", words).strip()

        words = (apart(description), apart(description2), apart(correction))
        return cls(
            errorno[:LONGEST].strip(),
            *words,
            tuple(dict.fromkeys(i for i in found if i)),
            errorid[:LONGEST].strip(),
            category[:LONGEST].strip(),
        )

    @property
    def text(self) -> str:
        """The two descriptions, joined by a space; one of them is often empty."""
        return " ".join(part for part in (self.description, self.description2) if part)

    def __str__(self) -> str:
        words = " ".join(part for part in (self.text, self.correction) if part)
        return f"{self.errorno}: {words}" if self.errorno and words else self.errorno or words or "(no words)"
