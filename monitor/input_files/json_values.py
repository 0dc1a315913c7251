"""Values of JSON files: lines, elements of an array, objects one after another."""

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from monitor.errors import InputError

#: Longest line, element or cell, in bytes.
MAX_VALUE_BYTES = 64 * 2**20
CHUNK_BYTES = 2**20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
QUOTED_BYTES = 40

_BACKSLASH = ord("\\")
_IN_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_STRUCTURE = re.compile(rb'["{}\[\],]')
_DEPTH = {b"{": 1, b"[": 1, b"}": -1, b"]": -1, b",": 0}


def is_json(text: bytes) -> bool:
    """Return whether a text is one JSON value; characters in Latin-1 are tolerated."""
    try:
        msgspec.json.decode(text)
    except UnicodeDecodeError:
        return True
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def is_cut(text: bytes) -> bool:
    """Return whether a text is the beginning of a JSON value."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except (UnicodeDecodeError, RecursionError):
        return False
    return False


def read_lines(stream: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield the lines with their ends, without a byte order mark.

    Raises:
        InputError: A line is longer than 64 MiB.
    """
    number = 0
    while line := stream.readline(MAX_VALUE_BYTES):
        number += 1
        if len(line) == MAX_VALUE_BYTES and not line.endswith(b"\n"):
            raise InputError(
                f"{label}: line {number} is longer than 64 MiB; write one object a line",
                code="long_line",
            )
        yield line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line


def iter_json_lines(stream: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield the lines, stripped; blank lines are empty.

    A line that is no JSON object is for the reader to report, unless it shows that the file is cut
    or goes on in another format.

    Raises:
        InputError: The last line is cut, or the last two lines or more are no JSON.
    """
    n_other = first_other = 0
    quoted = b""
    for number, line in enumerate(read_lines(stream, label), start=1):
        text = line.strip()
        if not line.endswith(b"\n") and text.startswith(b"{") and is_cut(text):
            raise InputError(
                f"{label}: ends in the middle of line {number}: the file was cut, or is still "
                "being written; give the whole file",
                code="truncated",
            )
        if text.startswith(b"{") or (text and is_json(text)):
            n_other = 0
        elif text:
            n_other += 1
            if n_other == 1:
                first_other, quoted = number, text
        yield text
    if n_other > 1:
        raise InputError(
            f"{label}: JSON lines up to line {first_other - 1}, then another format: "
            f"{quote(quoted)}; split the file there",
            code="two_formats",
        )


def iter_array(stream: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield the elements of a JSON array.

    Raises:
        InputError: The array is incomplete, lacks an element between commas, or isn't all there is.
    """
    splitter = _Splitter(is_array=True)
    number = 0
    for chunk in _chunks(stream, splitter, label):
        for value in splitter.feed(chunk):
            if value or number or not splitter.has_ended:
                number += 1
                yield _require_element(value, number, label)
        if splitter.has_ended and splitter.rest:
            raise _two_formats(label, number, splitter.rest)
    if not splitter.has_ended:
        raise _cut(label, number)


def iter_objects(stream: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield JSON objects that may span lines.

    Raises:
        InputError: The last object is incomplete, or there is something else between objects.
    """
    splitter = _Splitter(is_array=False)
    number = 0
    for chunk in _chunks(stream, splitter, label):
        for value in splitter.feed(chunk):
            if not value.startswith(b"{"):
                raise _two_formats(label, number, value)
            number += 1
            yield value
    if splitter.is_inside:
        raise _cut(label, number)
    if splitter.rest:
        raise _two_formats(label, number, splitter.rest)


def first_object(text: bytes) -> bytes:
    """Return the first JSON object of a text; empty where it doesn't end there."""
    return next(_Splitter(is_array=False).feed(text), b"")


class _Splitter:
    """Values of a JSON array, or objects one after another; what is in them isn't parsed."""

    def __init__(self, *, is_array: bool) -> None:
        self._is_array = is_array
        self._buffer = b""
        self._position = 0
        #: An array's own bracket counts, so that its elements are at depth 1.
        self._depth = 0
        self._in_string = False
        #: Whether the array has been closed.
        self.has_ended = False

    @property
    def is_inside(self) -> bool:
        """Whether a value has begun and not ended."""
        return self._in_string or self._depth > 0

    @property
    def rest(self) -> bytes:
        """The rest after the last value."""
        return self._buffer.strip()

    @property
    def n_bytes(self) -> int:
        """The size of the value that has begun."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the values that the next part of the text completes, stripped."""
        buffer = self._buffer + chunk
        start = 0
        while not self.has_ended and (sign := self._next_sign(buffer)):
            end = self._position
            if self._is_array and self._depth == 1 and sign == b"[":
                start = end  # the array's own
            elif self._is_array and (not self._depth or (self._depth == 1 and sign == b",")):
                self.has_ended = not self._depth
                value, start = buffer[start : end - 1].strip(), end
                yield value
            elif not self._is_array and self._depth <= 0 and sign in b"}]":
                value, start = buffer[start:end].strip(), end
                yield value
        self._buffer = buffer[start:]
        self._position -= start

    def _next_sign(self, buffer: bytes) -> bytes:
        """Go on behind the next bracket or comma outside strings; empty at the buffer's end."""
        while True:
            if self._in_string:
                self._position = _end_of_string(buffer, self._position)
                if self._position >= len(buffer) or buffer[self._position] == _BACKSLASH:
                    return b""
                self._in_string = False
                self._position += 1
            token = _STRUCTURE.search(buffer, self._position)
            if token is None:
                self._position = len(buffer)
                return b""
            self._position = token.end()
            if token[0] != b'"':
                self._depth += _DEPTH[token[0]]
                return token[0]
            self._in_string = True


def _chunks(stream: BinaryIO, splitter: _Splitter, label: str) -> Iterator[bytes]:
    chunk = stream.read(CHUNK_BYTES).removeprefix(BYTE_ORDER_MARK)
    while chunk:
        yield chunk
        if splitter.n_bytes > MAX_VALUE_BYTES:
            raise InputError(
                f"{label}: a JSON object of more than 64 MiB; give one object for each exchange",
                code="long_line",
            )
        chunk = stream.read(CHUNK_BYTES)


def _end_of_string(buffer: bytes, position: int) -> int:
    match = _IN_STRING.match(buffer, position)
    return match.end() if match else position


def _require_element(value: bytes, number: int, label: str) -> bytes:
    if not value:
        raise InputError(
            f"{label}: nothing beside a comma of the JSON array, after {number - 1:,} elements; "
            "remove the comma",
            code="empty_element",
        )
    return value


def _cut(label: str, n_whole: int) -> InputError:
    return InputError(
        f"{label}: ends in the middle of the JSON, after {n_whole:,} whole objects: the file was "
        "cut, or is still being written; give the whole file",
        code="truncated",
    )


def _two_formats(label: str, n_objects: int, rest: bytes) -> InputError:
    return InputError(
        f"{label}: {n_objects:,} JSON objects, then another format: {quote(rest)}; split the file "
        "there",
        code="two_formats",
    )


def quote(text: bytes) -> str:
    """Return the beginning of a text for a message."""
    line = text.partition(b"\n")[0]
    cut = "..." if len(line) > QUOTED_BYTES else ""
    return repr(line[:QUOTED_BYTES].decode("utf-8", "replace") + cut)
