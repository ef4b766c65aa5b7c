"""Rules for a connection: its state as Alvys's badge shows it, its switches, and the parts that may not change."""

from datetime import datetime
from enum import StrEnum

from domain.categories import Side
from domain.settings.values import ConnectionSetting, ConnectionStatus, InvalidSetting


class Badge(StrEnum):
    """The words of Alvys's status badge (article "Sage Intacct: Transaction Export and Modification")."""

    NOT_SET_UP = "Not Set Up"
    ACTIVE = "Active"
    PAUSED = "Paused"


class ChangeRefusedError(Exception):
    """Error for a change that a connection does not allow. The text tells a person why, and what to do instead."""


def badge(setting: ConnectionSetting | InvalidSetting | None) -> Badge:
    """The badge of a connection.

    A connection that was never active is "Not Set Up": its set-up has not yet finished without an error. The same holds
    for None (no connection) and for a record that cannot be read.
    """
    if not isinstance(setting, ConnectionSetting) or setting.activated_at is None:
        return Badge.NOT_SET_UP
    return Badge.ACTIVE if setting.state is ConnectionStatus.ACTIVE else Badge.PAUSED


def refuse_moving(
    subsidiary_id: str, before: ConnectionSetting | InvalidSetting | None, after: ConnectionSetting | None
) -> None:
    """Refuse a change that would move an existing connection to other books, or export documents from before it.

    Args:
        subsidiary_id: The subsidiary, for the text of the error.
        before: The connection as it is. If it is missing or unreadable, every change is allowed.
        after: The connection as it would become; None to clear it.

    Raises:
        ChangeRefusedError: The company or the entity would change (requirement 30), the connection would be cleared
            while its mappings stay, or the activation would become earlier (requirements 9 and 10).
    """
    if not isinstance(before, ConnectionSetting):
        return
    anew = f"alvys-sage disconnect {subsidiary_id} removes it with all its settings and mappings; then connect anew"
    if after is None:
        raise ChangeRefusedError(f"the connection of {subsidiary_id} is not cleared like a mapping: {anew}")
    if (before.company_id, before.entity_id) != (after.company_id, after.entity_id):
        raise ChangeRefusedError(
            f"{subsidiary_id} is connected to {company_and_entity(before)}, which is permanent, "
            f"not to {company_and_entity(after)}: {anew}"
        )
    began = before.activated_at
    if began is not None and (after.activated_at is None or after.activated_at < began):
        raise ChangeRefusedError(
            f"{subsidiary_id} is active since {began.isoformat()}; that is not moved back, for there is no backfill"
        )


def company_and_entity(setting: ConnectionSetting) -> str:
    """Describe the company and the entity of a connection in words."""
    where = "the top level" if setting.entity_id is None else f"entity {setting.entity_id}"
    return f"{where} of company {setting.company_id}"


def switched(setting: ConnectionSetting, side: Side | None, *, on: bool, now: datetime) -> ConnectionSetting:
    """Switch the connection, or one of its sides, on or off.

    The first time that the master switch is turned on sets `activated_at` to `now`; a later pause does not change it.

    Args:
        setting: The connection as it is.
        side: AR or AP; None for the master switch.
        on: The new position of the switch.
        now: The present, with time zone.

    Returns:
        The changed connection.

    Raises:
        ChangeRefusedError: The switch would turn off the last side that is on (Alvys's article "Sage Intacct:
            Transaction Export and Modification").
    """
    if side is None:
        state = ConnectionStatus.ACTIVE if on else ConnectionStatus.PAUSED
        since = setting.activated_at or (now if on else None)
        return setting.model_copy(update={"state": state, "activated_at": since})
    other = setting.ap if side is Side.AR else setting.ar
    if not on and not other.active:
        raise ChangeRefusedError(
            f"{side.upper()} is the last side that is on and cannot be switched off; "
            "use the master switch: the same command without --side"
        )
    own = setting.ar if side is Side.AR else setting.ap
    return setting.model_copy(update={side.value: own.model_copy(update={"active": on})})
