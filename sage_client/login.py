"""The login to a company or entity. Secrets are wrapped, so that no repr, log line or traceback shows them."""

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Login:
    """A Web Services user of a company, at the top level or in one entity (`entity_id`).

    Sessions are kept per (company, user, entity), which is `key`.
    """

    company_id: str
    user_id: str
    password: SecretStr
    entity_id: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of the login's session. An empty entity means the top level (web-services/requests, login)."""
        return self.company_id, self.user_id, self.entity_id or ""
