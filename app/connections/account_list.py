"""Lists of GL accounts in the form of Alvys's dropdown: `Account ID - Account Name`, grouped by account type."""

from collections.abc import Mapping, Sequence

from sage_client import Account

KINDS = {"incomestatement": "Income statement", "balancesheet": "Balance sheet"}
"""Account types by Sage's names, in the words of the article "Prerequisites" (requirement 23)."""


def titled(account: Account) -> str:
    """Format an account as Alvys shows it (requirement 81)."""
    return f"{account.number} - {account.title}" if account.title else account.number


def grouped(accounts: Sequence[Account]) -> Mapping[str, list[Account]]:
    """Group accounts by type, income statement first, and sort each group by number."""
    found: dict[str, list[Account]] = {kind: [] for kind in KINDS.values()}
    for each in sorted(accounts, key=lambda account: account.number):
        found.setdefault(KINDS.get(each.kind, each.kind or "Other"), []).append(each)
    return {kind: group for kind, group in found.items() if group}
