"""One reader of pickle streams for the artifact scan and the loaders: what the one reads, the other loads.

Opcodes come from frames as Python's own unpickler takes them, and arrays lie where joblib looks for them: behind the frame,
in the stream itself. Protocols 0 to 5.
"""

from __future__ import annotations

import pickletools
import re
from math import prod
from typing import IO, TYPE_CHECKING, Any, cast

from model_governance.formats.pickle_opcodes import UNKNOWN, Call, Global, PickleBomb, PickleMachine

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BytesIO

    Visit = Callable[[str, Any, int], None]

DTYPE = re.compile(r"[<>=|]?([?biufcmMSUVO])(\d*)")
UNIT = {"U": 4, "?": 1}
STORED_ARRAY = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
RECONSTRUCTOR = Global("copyreg", "_reconstructor")
OBJECT = Global("builtins", "object")


class UnreadablePickle(ValueError):
    """A stream that cannot be read to its end."""


class ForgedPickle(UnreadablePickle):
    """A stream that no library writes: programs would read it differently, or choke on it."""


class FramedStream:
    """The bytes that opcodes are read from: those of a frame first, then those behind it."""

    def __init__(self, stream: BytesIO) -> None:
        self._stream = stream
        self._frame, self._start, self._place = b"", 0, 0

    @property
    def in_frame(self) -> bool:
        """Whether bytes of a frame are left."""
        return self._place < len(self._frame)

    def read(self, size: int) -> bytes:
        """So many bytes; fewer at the end of the stream.

        Raises:
            ForgedPickle: they would lead out of the frame.
        """
        if not self.in_frame:
            return self._stream.read(size)
        piece = self._frame[self._place : self._place + size]
        if len(piece) < size:
            raise ForgedPickle("leads an instruction out of its frame")
        self._place += size
        return piece

    def readline(self) -> bytes:
        """The bytes up to the end of a line.

        Raises:
            ForgedPickle: they would lead out of the frame.
        """
        if not self.in_frame:
            return self._stream.readline()
        end = self._frame.find(b"\n", self._place) + 1
        if not end:
            raise ForgedPickle("leads an instruction out of its frame")
        line, self._place = self._frame[self._place : end], end
        return line

    def tell(self) -> int:
        """The place in the stream of the byte that is read next."""
        return self._start + self._place if self.in_frame else self._stream.tell()

    def begin(self, size: int) -> None:
        """Begin a frame.

        Raises:
            ForgedPickle: the last one has not ended.
            UnreadablePickle: the stream ends in it.
        """
        if self.in_frame:
            raise ForgedPickle("begins a frame inside another one")
        self._start, self._place = self._stream.tell(), 0
        self._frame = self._stream.read(size)
        if len(self._frame) != size:
            raise UnreadablePickle(f"a frame claims {size:,} bytes, more than the file has")

    def close(self) -> None:
        """Leave the stream behind the last byte that was read, also in the middle of a frame."""
        self._stream.seek(self.tell())
        self._frame = b""


def read_pickle(stream: BytesIO, visit: Visit, *, nested: bool = False) -> Any:
    """Read one pickle up to its STOP, execute it on symbols and skip arrays of joblib; the stream is then behind it.

    Args:
        stream: the bytes, from where the pickle begins.
        visit: called with the name of each opcode, the new top of the stack and the opcode's place in the stream; and with
            "STORED_ARRAY" before the bytes of an array.
        nested: whether the pickle stands in place of an array's bytes in another one.

    Returns:
        The symbol of the object that the pickle builds.

    Raises:
        ForgedPickle: no library writes such a stream.
        UnreadablePickle: it is damaged, or `visit` says so.
    """
    framed = FramedStream(stream)
    try:
        return _execute(framed, stream, visit, nested=nested)
    except UnreadablePickle:
        raise
    except PickleBomb as error:
        raise ForgedPickle(str(error)) from error
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError, AttributeError) as error:
        raise UnreadablePickle(f"{type(error).__name__} near byte {stream.tell():,}") from error


def _execute(framed: FramedStream, stream: BytesIO, visit: Visit, *, nested: bool) -> Any:
    machine = PickleMachine()
    for opcode, argument, place in pickletools.genops(cast("IO[bytes]", framed)):
        if opcode.name == "FRAME":
            framed.begin(int(argument or 0))
        if opcode.name == "STOP":
            if framed.in_frame and nested:
                raise ForgedPickle("goes on in a frame behind the end of a pickle")
            framed.close()
            visit("STOP", None, place or 0)
            return machine.stack.pop()
        top = machine.step(opcode, argument)
        visit(opcode.name, top, place or 0)
        if opcode.name == "BUILD" and is_stored_array(top):
            if nested:
                raise ForgedPickle("stores an array of joblib in an array of objects, where joblib reads none")
            visit("STORED_ARRAY", top, place or 0)
            dtype, shape = _description(top)
            if framed.in_frame:
                raise ForgedPickle("covers the bytes of an array by a frame, from behind which joblib reads them")
            _skip_array(top, dtype, prod(shape), stream, visit=visit)
            machine.stack[-1] = UNKNOWN
    raise UnreadablePickle("it has no end")


def is_stored_array(symbol: Any) -> bool:
    """Whether a symbol is the object that joblib writes before the bytes of an array, in any protocol."""
    if not isinstance(symbol, Call):
        return False
    return symbol.function == STORED_ARRAY or (
        symbol.function == RECONSTRUCTOR
        and isinstance(symbol.arguments, tuple)
        and symbol.arguments[:1] == (STORED_ARRAY,)
    )


def bytes_of_element(dtype: re.Match[str]) -> int:
    """Bytes of one element of a plain type that DTYPE matched."""
    kind, digits = dtype.groups()
    return int(digits or 1) * UNIT.get(kind, 1)


def _description(wrapper: Call) -> tuple[re.Match[str], tuple[int, ...]]:
    """Type and shape of an array that joblib stored."""
    state = wrapper.state if isinstance(wrapper.state, dict) else {}
    dtype, shape = state.get("dtype"), state.get("shape")
    arguments = dtype.arguments if isinstance(dtype, Call) else None
    code = arguments[0] if isinstance(arguments, tuple) and arguments else None
    plain = DTYPE.fullmatch(code) if isinstance(code, str) else None
    if plain is None or not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ForgedPickle("describes an array by something else than a dtype and a shape")
    return plain, shape


def _skip_array(wrapper: Call, dtype: re.Match[str], count: int, stream: BytesIO, *, visit: Visit) -> None:
    """Skip the bytes of an array that joblib stored here, or read the pickle in their place."""
    if dtype.group(1) == "O":
        read_pickle(stream, visit, nested=True)
        return
    if wrapper.state.get("numpy_array_alignment_bytes") is not None:
        stream.seek(int.from_bytes(stream.read(1), "little"), 1)
    size = count * bytes_of_element(dtype)
    if stream.tell() + size > len(stream.getbuffer()):
        raise UnreadablePickle(f"an array claims {size:,} bytes, more than the file has")
    stream.seek(size, 1)
