"""What may become of a connection: its state as Alvys's badge says it, its switches, and what of it is permanent."""

from datetime import datetime
from enum import StrEnum

from domain.categories import Side
from domain.settings import ConnectionSetting, ConnectionStatus, Invalid


class Badge(StrEnum):
    """The words of Alvys's status badge (alvys.md 2.2)."""

    NOT_SET_UP = "Not Set Up"
    ACTIVE = "Active"
    PAUSED = "Paused"


class ChangeRefusedError(Exception):
    """The connection may not be changed like this. The text is for a person: why, and what to do instead."""


def badge(setting: ConnectionSetting | Invalid | None) -> Badge:
    """The state. A connection that was never active is not set up: its set-up was not finished without an error."""
    if not isinstance(setting, ConnectionSetting) or setting.activated_at is None:
        return Badge.NOT_SET_UP
    return Badge.ACTIVE if setting.state is ConnectionStatus.ACTIVE else Badge.PAUSED


def refuse_moving(
    subsidiary_id: str, before: ConnectionSetting | Invalid | None, after: ConnectionSetting | None
) -> None:
    """Refuse what would lead a standing connection to other books, or would begin to export what came before it.

    A record that cannot be read names no books, so any may be written over it.

    Raises:
        ChangeRefusedError: The company or entity would be another (requirement 30), the connection would be cleared
            with its mappings left behind, or the activation would be moved back (requirements 9 and 10).
    """
    if not isinstance(before, ConnectionSetting):
        return
    anew = f"alvys-sage disconnect {subsidiary_id} removes it with all its settings and mappings; then connect anew"
    if after is None:
        raise ChangeRefusedError(f"the connection of {subsidiary_id} is not cleared like a mapping: {anew}")
    if (before.company_id, before.entity_id) != (after.company_id, after.entity_id):
        raise ChangeRefusedError(
            f"{subsidiary_id} is connected to {place(before)}, which is permanent, not to {place(after)}: {anew}"
        )
    began = before.activated_at
    if began is not None and (after.activated_at is None or after.activated_at < began):
        raise ChangeRefusedError(
            f"{subsidiary_id} is active since {began.isoformat()}; that is not moved back, for there is no backfill"
        )


def place(setting: ConnectionSetting) -> str:
    """Company and entity in words."""
    where = "the top level" if setting.entity_id is None else f"entity {setting.entity_id}"
    return f"{where} of company {setting.company_id}"


def switched(setting: ConnectionSetting, side: Side | None, *, on: bool, now: datetime) -> ConnectionSetting:
    """The connection with its master switch (`side` None) or one side's switched.

    What becomes active for the first time is activated now; a later pause does not move that.

    Raises:
        ChangeRefusedError: It is the last side that is on (alvys.md 2.2).
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
