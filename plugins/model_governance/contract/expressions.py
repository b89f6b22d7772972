"""Arithmetic over columns as a policy writes it: names, numbers, + - * / and parentheses, read without running anything."""

from __future__ import annotations

import ast
import operator
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
COMPARISONS: Mapping[type[ast.cmpop], str] = {ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">"}
QUOTED = re.compile(r"`([^`]+)`")
LONGEST = 500  # characters
PARSED = 256  # expressions that are kept: an attack asks for the same ones at every step


@dataclass(frozen=True, slots=True)
class Expression:
    """An arithmetic expression; `names` are its columns, in the order in which they appear."""

    text: str
    names: tuple[str, ...]
    _tree: ast.expr = field(repr=False, compare=False)
    _columns: Mapping[str, str] = field(repr=False, compare=False)

    def value(self, columns: Mapping[str, Any]) -> Any:
        """The value, from numbers or arrays by column."""
        return self._value(self._tree, columns)

    @property
    def linear(self) -> tuple[dict[str, float], float] | None:
        """The weight of each column and the constant, where the value is a weighted sum of columns; None where it is not."""
        return self._sum(self._tree)

    def _sum(self, node: ast.expr) -> tuple[dict[str, float], float] | None:
        if isinstance(node, ast.Name):
            return {self._columns.get(node.id, node.id): 1.0}, 0.0
        if isinstance(node, ast.UnaryOp):
            return _scaled(self._sum(node.operand), -1.0)
        if not isinstance(node, ast.BinOp):
            return {}, float(self._value(node, {}))
        left, right = self._sum(node.left), self._sum(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Mult):
            return _scaled(right, left[1]) if not left[0] else _scaled(left, right[1]) if not right[0] else None
        if isinstance(node.op, ast.Div):
            return None if right[0] or right[1] == 0 else _scaled(left, 1 / right[1])
        sign = 1.0 if isinstance(node.op, ast.Add) else -1.0
        names = dict.fromkeys((*left[0], *right[0]))
        weights = {name: left[0].get(name, 0.0) + sign * right[0].get(name, 0.0) for name in names}
        return weights, left[1] + sign * right[1]

    def _value(self, node: ast.expr, columns: Mapping[str, Any]) -> Any:
        if isinstance(node, ast.BinOp):
            return BINARY[type(node.op)](self._value(node.left, columns), self._value(node.right, columns))
        if isinstance(node, ast.UnaryOp):
            return -self._value(node.operand, columns)
        if isinstance(node, ast.Name):
            return columns[self._columns.get(node.id, node.id)]
        assert isinstance(node, ast.Constant)  # noqa: S101 - nothing else is read
        return node.value


def _scaled(sum_: tuple[dict[str, float], float] | None, factor: float) -> tuple[dict[str, float], float] | None:
    if sum_ is None:
        return None
    return {name: weight * factor for name, weight in sum_[0].items()}, sum_[1] * factor


@lru_cache(maxsize=PARSED)
def read_equation(text: str) -> tuple[str, Expression]:
    """A column and what it is made of, from `dti = debt / income`.

    Raises:
        ValueError: it is not one column, `=` and an expression.
    """
    columns, plain = _unquoted(text)
    try:
        (statement,) = ast.parse(plain).body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{text!r} is no equation like dti = debt / income") from error
    if not (
        isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
    ):
        raise ValueError(f"{text!r} is no equation like dti = debt / income")
    made = _expression(statement.value, columns, text)
    name = columns.get(statement.targets[0].id, statement.targets[0].id)
    if name in made.names:
        raise ValueError(f"{text!r} derives {name} from itself")
    return name, made


@lru_cache(maxsize=PARSED)
def read_inequality(text: str) -> tuple[Expression, str, Expression]:
    """The two sides and what is between them (<=, <, >= or >), from `open_accounts <= accounts`.

    Raises:
        ValueError: it is not one comparison of two expressions.
    """
    columns, plain = _unquoted(text)
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{text!r} is no inequality like a <= b") from error
    if not (isinstance(tree, ast.Compare) and len(tree.ops) == 1 and type(tree.ops[0]) in COMPARISONS):
        raise ValueError(f"{text!r} is no inequality like a <= b")
    left, right = (_expression(side, columns, text) for side in (tree.left, tree.comparators[0]))
    return left, COMPARISONS[type(tree.ops[0])], right


def _unquoted(text: str) -> tuple[dict[str, str], str]:
    """Names in backticks, which need not be identifiers, replaced by ones that are."""
    if len(text) > LONGEST:
        raise ValueError(f"an expression has at most {LONGEST} characters, this one has {len(text):,}")
    columns: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        columns[f"_column_{len(columns)}"] = found[1]
        return f"_column_{len(columns) - 1}"

    return columns, QUOTED.sub(named, text.strip())


def _expression(tree: ast.expr, columns: Mapping[str, str], text: str) -> Expression:
    names = tuple(dict.fromkeys(columns.get(name, name) for name in _names(tree, text)))
    if not names:
        raise ValueError(f"{text!r} has a side without a column")
    return Expression(ast.unparse(tree) if not columns else text, names, tree, columns)


def _names(node: ast.expr, text: str) -> Iterator[str]:
    """The names in order.

    Raises:
        ValueError: there is something else than names, numbers, + - * / and parentheses.
    """
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        yield from _names(node.left, text)
        yield from _names(node.right, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _names(node.operand, text)
    elif isinstance(node, ast.Name):
        yield node.id
    elif not (isinstance(node, ast.Constant) and type(node.value) in (int, float)):
        raise ValueError(
            f"{text!r}: an expression holds columns, numbers, + - * / and parentheses; a column whose name is no identifier "
            "stands in backticks"
        )
