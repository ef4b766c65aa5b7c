"""Locates the local store of a ledger partition, and replaces a file that cannot be used."""

import hashlib
import sqlite3
from pathlib import Path

import structlog
from aiokafka.structs import TopicPartition

from consumers.export.ledger.store import MEMORY, TEMPORARY, LedgerStore, delete

log = structlog.get_logger(__name__)

NUMBERS = 8
"""Maximum number of processes that may share a folder, each with its own file of a partition."""
UNUSABLE = ".unusable"
"""Ending of the name of a file that this version cannot use."""
BROKEN = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR)
"""SQLite's codes for a file that is no database, for a damaged one, and for one without our tables."""


def open_ledger(folder: Path | None, ledger: TopicPartition) -> LedgerStore:
    """Open the local store of a ledger partition, or create one.

    This never fails: if no file can be written, the store is kept in memory.

    Args:
        folder: The folder of the stores. None: the store is temporary.
        ledger: The ledger partition.
    """
    if folder is None:
        return _or_memory(TEMPORARY, ledger)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return _in_memory(ledger, error)
    for number in range(NUMBERS):
        file = folder / file_name(ledger, number)
        try:
            return _open_or_replace(file)
        except OSError as error:
            return _in_memory(ledger, error)
        except sqlite3.Error as error:
            if not _code(error, sqlite3.SQLITE_BUSY):
                return _in_memory(ledger, error)
            # Another process uses it, perhaps a stopped one that does not know that it lost the partition.
            log.info("ledger store is in use; taking the next", file=file.name)
    return _or_memory(TEMPORARY, ledger)


def file_name(ledger: TopicPartition, number: int = 0) -> str:
    """The file name of a store, safe for file systems that ignore case or limit names to 255 bytes."""
    told_apart = hashlib.sha256(f"{ledger.topic}/{ledger.partition}".encode()).hexdigest()[:8]
    return f"{ledger.topic[:120]}-{ledger.partition}-{told_apart}.{number}.sqlite"


def existing(folder: Path, ledger: TopicPartition) -> LedgerStore | None:
    """Open the local store of a ledger partition that has read the most. Files in use, or not usable, are left alone.

    Args:
        folder: The folder of the stores.
        ledger: The ledger partition.

    Returns:
        The store, which the caller closes. None: there is none.
    """
    best: LedgerStore | None = None
    for number in range(NUMBERS):
        file = folder / file_name(ledger, number)
        if not file.exists():
            continue
        try:
            store = LedgerStore(file, is_copy=True)
        except (sqlite3.Error, ValueError) as error:
            log.warning("ledger store cannot be read", file=file.name, reason=str(error))
            continue
        if best is None or (store.checkpoint or 0) > (best.checkpoint or 0):
            best, store = store, best
        if store is not None:
            store.close()
    return best


def _open_or_replace(file: Path) -> LedgerStore:
    try:
        return LedgerStore(file)
    except (sqlite3.Error, ValueError) as error:
        if isinstance(error, sqlite3.Error) and not _code(error, *BROKEN):
            raise
        aside = file.with_name(file.name + UNUSABLE)
        log.warning("ledger store cannot be used; it is built anew", file=file.name, kept=aside.name, reason=str(error))
        delete(aside)
        file.rename(aside)  # perhaps the last copy: another version, or a person, may still read it
        delete(file)
        return LedgerStore(file)


def _or_memory(where: str, ledger: TopicPartition) -> LedgerStore:
    try:
        return LedgerStore(where)
    except sqlite3.Error as error:
        return _in_memory(ledger, error)


def _in_memory(ledger: TopicPartition, error: Exception) -> LedgerStore:
    log.warning("ledger kept in memory", ledger=f"{ledger.topic}-{ledger.partition}", reason=str(error))
    return LedgerStore(MEMORY)


def _code(error: sqlite3.Error, *codes: int) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes
