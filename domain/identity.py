"""Names that stay the same for ever: the control id of a call, the marker on a document, the revision of a content.

Sage refuses a function whose control id it has executed and completed when `uniqueid` is true (Sage developer
documentation, web-services/requests). So the id is a hash of what the call is to do: the same document, revision and
attempt give the same id in every process, for ever.
"""

import hashlib

SEPARATOR = "\x1f"


def control_id(company_id: str, entity_id: str | None, key: str, revision: str, operation: str, attempt: int) -> str:
    """The function control id, 64 hex digits. `attempt` changes only after Sage definitely refused."""
    parts = (company_id, entity_id or "", key, revision, operation, str(attempt))
    return hashlib.sha256(SEPARATOR.join(parts).encode()).hexdigest()


def marker(key: str) -> str:
    """A short, stable mark of the document, written into its description: by it a look-up tells ours from others."""
    return "alvys:" + hashlib.sha256(key.encode()).hexdigest()[:12]
