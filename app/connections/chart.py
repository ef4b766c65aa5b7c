"""GL accounts as Alvys's dropdown shows them: `Account ID - Account Name`, grouped by account type."""

from collections.abc import Mapping, Sequence

from sage_client import Account

KINDS = {"incomestatement": "Income statement", "balancesheet": "Balance sheet"}
"""Account types in the words of the article (requirement 23)."""


def titled(account: Account) -> str:
    """As Alvys shows an account (requirement 81)."""
    return f"{account.number} - {account.title}" if account.title else account.number


def grouped(accounts: Sequence[Account]) -> Mapping[str, list[Account]]:
    """By account type, income statement first, each by number."""
    found: dict[str, list[Account]] = {kind: [] for kind in KINDS.values()}
    for each in sorted(accounts, key=lambda account: account.number):
        found.setdefault(KINDS.get(each.kind, each.kind or "Other"), []).append(each)
    return {kind: group for kind, group in found.items() if group}
