"""What all kinds of events are made with: chance from a seed, numbers that never repeat, money as Alvys writes it."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import count
from random import Random
from typing import TypeVar

from demo.events.expect import Event, Expectation

T = TypeVar("T")
Json = dict[str, object]

FIRST_DAY = date(2026, 6, 1)
DAYS = 28
USD = 840


class Maker:
    """The same seed gives the same events, byte for byte; `first` is where its numbers begin."""

    def __init__(self, seed: int | str, first: int = 2_000_001) -> None:
        self.random = Random(seed)
        self._numbers = count(first)
        self._turns: dict[str, int] = {}
        self._as_text = False
        self._currency: int | None = USD

    def new_document(self) -> None:
        """Choose how the next document writes its money: numbers or strings, US dollars by number or by default."""
        self._as_text = self.chance(0.3)
        self._currency = None if self.chance(0.2) else USD

    def number(self) -> str:
        """A number that no other document has."""
        return str(next(self._numbers))

    def id(self) -> str:
        """An id that no other document has."""
        return f"{self.random.getrandbits(128):032x}"

    def chance(self, probability: float) -> bool:
        """Whether it happens this time."""
        return self.random.random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return self.random.choice(choices)

    def next_of(self, name: str, choices: Sequence[T]) -> T:
        """The next in turn, so that every choice comes up however few documents are made."""
        turn = self._turns.get(name, 0)
        self._turns[name] = turn + 1
        return choices[turn % len(choices)]

    def cents(self, low: int, high: int) -> int:
        """An amount between so many whole dollars, in cents."""
        return self.random.randint(low * 100, high * 100)

    def day(self) -> date:
        """A day after activation."""
        return FIRST_DAY + timedelta(days=self.random.randrange(DAYS))

    def money(self, cents: int, **other: object) -> Json:
        """An amount as the wire has it."""
        amount: object = f"{Decimal(cents) / 100:.2f}" if self._as_text else cents / 100
        return {"amount": amount, "currency": self._currency} | other


def instant(day: date, hour: int = 15) -> str:
    """A time on that day, as RFC 3339."""
    return f"{day.isoformat()}T{hour:02d}:20:11Z"


def envelope(maker: Maker, kind: str, at: str, data: Mapping[str, object]) -> Json:
    """The event around its data, now and then with a field of a later version."""
    event: Json = {"id": f"evt-{maker.id()}", "type": kind, "timestamp": at, "version": "v1", "data": dict(data)}
    if maker.chance(0.2):
        event["traceParent"] = f"00-{maker.id()}-01"
    return event


def encoded(event: object) -> bytes:
    """The record's bytes; unescaped, as most producers write them."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def record(topic: str, key: str, event: object, expectation: Expectation, story: str) -> Event:
    """A record under its document key."""
    return Event(topic, key.encode(), encoded(event), expectation, story)


def hashed_number(transaction_id: str, row_id: str) -> str:
    """The bill number of a card row: the transaction, made unique by the row (docs/contract.md)."""
    return f"{transaction_id[:21]}-{sha256(row_id.encode()).hexdigest()[:8]}"
