r"""The SQL-like condition of `readByQuery`: `STATUS = 'T' and (NAME like 'A%' or VENDORID in ('V-1', 'V-2'))`.

Source: Sage developer documentation, web-services/queries. Operands are case sensitive; a quote within an operand is
written `\'`. There is no ORDER BY: it is refused like any other text that is not part of a condition.
"""

import re
from dataclasses import dataclass

from simulator.errors import PROCESSING, FunctionError, refuse
from simulator.functions.selection import Condition, Source

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<operator><=|>=|<>|!=|=|<|>|\(|\)|,)|(?P<word>[\w.\-]+))""",
    re.DOTALL,
)
_COMPARISONS = {"=", "<>", "!=", "<", "<=", ">", ">="}
_KEYWORDS = {"and", "or", "not", "in", "like", "is", "null", "order", "by"}


def parse(source: Source, condition: str) -> Condition:
    """Parse a condition into SQL; raises FunctionError (DL02000001) if it is malformed."""
    tokens = _tokens(condition)
    if not tokens:
        return Condition("1")
    parser = _Parser(source, tokens)
    result = parser.disjunction()
    if parser.position != len(tokens):
        raise _malformed(parser.peek())
    return result


def _tokens(condition: str) -> list[str]:
    tokens, position = [], 0
    condition = condition.strip()
    while position < len(condition):
        match = _TOKEN.match(condition, position)
        if match is None:
            raise _malformed(condition[position : position + 20])
        tokens.append(match.group().strip())
        position = match.end()
    return tokens


@dataclass(slots=True)
class _Parser:
    """A recursive descent parser. `or` binds weakest, then `and`, then `not`."""

    source: Source
    tokens: list[str]
    position: int = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def accept(self, word: str) -> bool:
        if self.peek().lower() != word:
            return False
        self.position += 1
        return True

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise _malformed(self.peek())

    def disjunction(self) -> Condition:
        result = self.conjunction()
        while self.accept("or"):
            result = result.joined("OR", self.conjunction())
        return result

    def conjunction(self) -> Condition:
        result = self.term()
        while self.accept("and"):
            result = result.joined("AND", self.term())
        return result

    def term(self) -> Condition:
        if self.accept("not"):
            inner = self.term()
            return Condition(f"(NOT {inner.sql})", inner.values)
        if self.accept("("):
            inner = self.disjunction()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        name = self.take()
        if not re.fullmatch(r"[A-Za-z_][\w.]*", name) or name.lower() in _KEYWORDS:
            raise _malformed(name)
        if self.accept("is"):
            negated = self.accept("not")
            self.expect("null")
            return Condition(f"{self.source.column(name).sql} IS {'NOT ' if negated else ''}NULL")
        negated = self.accept("not")
        if self.accept("like"):
            return self.source.like(name, self.operand(), negated=negated)
        if self.accept("in"):
            return self.members(name, negated=negated)
        operator = self.take()
        if negated or operator not in _COMPARISONS:
            raise _malformed(operator)
        return self.source.compare(name, "<>" if operator == "!=" else operator, self.operand())

    def members(self, name: str, *, negated: bool) -> Condition:
        self.expect("(")
        operands = [self.operand()]
        while self.accept(","):
            operands.append(self.operand())
        self.expect(")")
        column = self.source.column(name)
        marks = ", ".join("?" * len(operands))
        values = tuple(self.source.value(column, operand) for operand in operands)
        return Condition(f"{column.sql} {'NOT IN' if negated else 'IN'} ({marks})", values)

    def operand(self) -> str:
        token = self.take()
        if not token or token in _COMPARISONS or token in {"(", ")", ","}:
            raise _malformed(token)
        if token[0] in {"'", '"'}:
            return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
        if not re.fullmatch(r"-?[\d.]+|true|false", token):
            raise _malformed(token)
        return token


def _malformed(near: str) -> FunctionError:
    return refuse(PROCESSING, f"There was an error processing the request: the query is not valid near '{near}'.")
