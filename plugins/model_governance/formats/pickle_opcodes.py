"""Pickle opcodes, executed on symbols: nothing is called, imported or built (Python documentation, `pickletools`).

The stack and the memo are followed, because a name may come from strings that were stored long before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from model_governance.formats.pickle_names import python3_name

if TYPE_CHECKING:
    import pickletools
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Global:
    """An object that the pickle names, in Python 3's spelling."""

    module: str
    name: str

    @property
    def dotted(self) -> str:
        """Module and name with a dot between them."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Call:
    """The result of a call; `state` is what BUILD would set on it."""

    function: Any
    arguments: Any
    state: Any = None


class Unknown:
    """A value that is neither a global, a call nor a constant."""


class List(Unknown):
    """A list, of which only the size is known: `weight` counts its items, and those of tuples in it."""

    def __init__(self) -> None:
        self.weight = 0


class Tuple(tuple[Any, ...]):
    """A tuple; `weight` counts its items as often as they are reached, because hashing visits them as often."""

    weight: int

    @classmethod
    def of(cls, items: Iterable[Any]) -> Tuple:
        """The tuple of these symbols.

        Raises:
            PickleBomb: hashing or comparing it would take for ever.
        """
        made = cls(items)
        made.weight = 1 + sum(map(weight, made))
        if made.weight > MAX_WEIGHT:
            raise PickleBomb("makes a tuple that holds itself so many times over that its hash takes for ever")
        return made


class PickleBomb(ValueError):
    """Few bytes that would keep a loader busy, or fill its memory."""


UNKNOWN = Unknown()
MAX_WEIGHT = 1_000_000  # items of a tuple, each as often as it is reached
MAX_HASHED = 100_000_000  # items that become members of sets and keys of dicts: some seconds
LARGEST_KEY = 1 << 64  # whole numbers above: any number of them share one hash
ADDS = ("APPEND", "APPENDS", "ADDITEMS", "SETITEM", "SETITEMS")
CALLS = ("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST")
HASHING = ("set", "frozenset", "OrderedDict")  # they hash every item of the list that they are given


def weight(symbol: Any) -> int:
    """Items of a tuple or list as often as they are reached, 1 for everything else."""
    return symbol.weight if isinstance(symbol, (Tuple, List)) else 1


@dataclass(slots=True)
class PickleMachine:
    """Stack, marks and memo of symbols; `protocol` is what the PROTO opcode declares."""

    stack: list[Any] = field(default_factory=list)
    marks: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    protocol: int = 0
    hashed: int = 0

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> Any:
        """Execute one opcode and return the new top of the stack.

        Args:
            opcode: the opcode, from `pickletools.genops`.
            argument: its argument, None where it has none.

        Raises:
            IndexError, KeyError: the stack or the memo lacks what the opcode needs.
        """
        handler = HANDLERS.get(opcode.name)
        if handler is not None:
            return handler(self, argument)
        return self._generic(opcode, argument)

    def _generic(self, opcode: pickletools.OpcodeInfo, argument: Any) -> Any:
        """By the stack effect that the standard library documents for it."""
        names = [item.name for item in opcode.stack_before]
        if "mark" in names:
            self.pop_mark()
            names = names[: names.index("mark")]
        for _ in names:
            self.stack.pop()
        for _ in opcode.stack_after:
            constant = opcode.arg is not None and not opcode.stack_before and isinstance(argument, (str, int, float))
            self.stack.append(argument if constant else UNKNOWN)
        return self.stack[-1] if self.stack else None

    def pop_mark(self) -> list[Any]:
        """The items above the last mark."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def count_hashed(self, items: Iterable[Any]) -> None:
        """Count what a loader will hash of these symbols.

        Raises:
            PickleBomb: it is more than any model needs.
        """
        for item in items:
            self.hashed += weight(item)
            if type(item) is int and abs(item) >= LARGEST_KEY:
                raise PickleBomb("uses a key or member beyond 64 bits, of which many share one hash")
        if self.hashed > MAX_HASHED:
            raise PickleBomb(f"makes a loader hash more than {MAX_HASHED:,} items")

    def push(self, value: Any) -> Any:
        """Put a value on the stack and return it."""
        self.stack.append(value)
        return value

    def global_of(self, module: str, name: str) -> Global:
        """The global of this name as an unpickler of this protocol would look it up."""
        return Global(*python3_name(module, name, protocol=self.protocol))


def _constant(machine: PickleMachine, _: Any, *, value: Any) -> Any:
    return machine.push(value)


def _mark(machine: PickleMachine, _: Any) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _pop(machine: PickleMachine, _: Any) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_mark()


def _tuple(count: int) -> Callable[[PickleMachine, Any], Any]:
    def made(machine: PickleMachine, _: Any) -> Any:
        items = [machine.stack.pop() for _ in range(count)]
        return machine.push(Tuple.of(reversed(items)))

    return made


def _setitems(machine: PickleMachine, _: Any) -> Any:
    items = machine.pop_mark()
    return _set(machine, list(zip(items[::2], items[1::2], strict=False)))


def _dict(machine: PickleMachine, _: Any) -> Any:
    items = machine.pop_mark()
    machine.push({})
    return _set(machine, list(zip(items[::2], items[1::2], strict=False)))


def _setitem(machine: PickleMachine, _: Any) -> Any:
    value, key = machine.stack.pop(), machine.stack.pop()
    return _set(machine, [(key, value)])


def _append(machine: PickleMachine, _: Any) -> Any:
    return _add(machine, [machine.stack.pop()])


def _appends(machine: PickleMachine, _: Any) -> Any:
    return _add(machine, machine.pop_mark())


def _add(machine: PickleMachine, items: list[Any]) -> Any:
    target = machine.stack[-1]
    if isinstance(target, List):
        target.weight += sum(map(weight, items))
    else:
        machine.count_hashed(items)
    return target


def _list(machine: PickleMachine, _: Any) -> Any:
    items = machine.pop_mark()
    machine.push(List())
    return _add(machine, items)


def _set(machine: PickleMachine, pairs: list[tuple[Any, Any]]) -> Any:
    target = machine.stack[-1]
    machine.count_hashed(key for key, _ in pairs)
    if type(target) is dict:
        # Only keys of text: hashing a tuple of tuples of tuples can take for ever.
        target.update((key, value) for key, value in pairs if type(key) is str)
    return target


def _stack_global(machine: PickleMachine, _: Any) -> Any:
    name, module = machine.stack.pop(), machine.stack.pop()
    return machine.push(machine.global_of(module, name) if type(module) is str and type(name) is str else UNKNOWN)


def _global(machine: PickleMachine, argument: Any) -> Any:
    return machine.push(machine.global_of(*argument.split(" ", 1)))


def _inst(machine: PickleMachine, argument: Any) -> Any:
    return machine.push(Call(machine.global_of(*argument.split(" ", 1)), Tuple.of(machine.pop_mark())))


def _obj(machine: PickleMachine, _: Any) -> Any:
    items = machine.pop_mark()
    return machine.push(Call(items[0], Tuple.of(items[1:])))


def _call(machine: PickleMachine, _: Any) -> Any:
    arguments, function = machine.stack.pop(), machine.stack.pop()
    if isinstance(function, Global) and function.name in HASHING and isinstance(arguments, tuple):
        machine.count_hashed(arguments)
    return machine.push(Call(function, arguments))


def _newobj_ex(machine: PickleMachine, _: Any) -> Any:
    machine.stack.pop()
    return _call(machine, _)


def _build(machine: PickleMachine, _: Any) -> Any:
    state, target = machine.stack.pop(), machine.stack[-1]
    if isinstance(target, Call):
        target.state = state
    return target


def _put(machine: PickleMachine, argument: Any) -> Any:
    place = len(machine.memo) if argument is None else int(argument)
    machine.memo[place] = machine.stack[-1]
    return machine.stack[-1]


def _protocol(machine: PickleMachine, argument: Any) -> Any:
    machine.protocol = int(argument)
    return machine.stack[-1] if machine.stack else None


HANDLERS: Mapping[str, Callable[[PickleMachine, Any], Any]] = {
    "PROTO": _protocol,
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": lambda machine, _: machine.pop_mark(),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "NONE": partial(_constant, value=None),
    "NEWTRUE": partial(_constant, value=True),
    "NEWFALSE": partial(_constant, value=False),
    "EMPTY_LIST": lambda machine, _: machine.push(List()),
    "LIST": _list,
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE": lambda machine, _: machine.push(Tuple.of(machine.pop_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "APPEND": _append,
    "APPENDS": _appends,
    "ADDITEMS": _appends,
    "DICT": _dict,
    "SETITEM": _setitem,
    "SETITEMS": _setitems,
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda machine, place: machine.push(machine.memo[int(place)])),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _put),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _inst,
    "OBJ": _obj,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "NEWOBJ_EX": _newobj_ex,
    "BUILD": _build,
}
