"""Text in any encoding, and the readable bytes of other files."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from monitor.input_files.detection import read_up_to
from monitor.privacy.file_readers.parts import STEP, Budget, Parts, Text

#: Bytes of the next step that are decoded with each, so that nothing is cut; a multiple of four.
OVERLAP = 16_384
#: Replaced characters where a step is cut, in UTF-8.
CUT = 6
#: Runs of readable characters between other bytes, in UTF-8, and in UTF-16 of Latin letters.
_RUNS = re.compile(
    rb"(?:[\t\n\r -~]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3}){6,}"
)
_WIDE_RUNS = re.compile(rb"(?:[\t\n\r -~\xa0-\xff]\0){6,}|(?:\0[\t\n\r -~\xa0-\xff]){6,}")
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def read(content: BinaryIO, budget: Budget) -> Parts:
    """Yield the texts of a file that is text, or has text between other bytes."""
    rest = read_up_to(content, STEP)
    marked = next((name for mark, name in _MARKS if rest.startswith(mark)), "")
    while rest:
        step, rest = rest, read_up_to(content, STEP)  # whole: wide characters must not be cut
        budget.spend()
        for text in _texts(step + rest[:OVERLAP], marked):
            yield Text(text)


def _texts(data: bytes, marked: str) -> Iterator[str]:
    encodings = [marked] if marked else _wide_encodings(data)
    for encoding in encodings:
        yield data.decode(encoding, "replace")
    if encodings:
        return
    if b"\0" in data:
        yield "\n".join(run.decode("utf-8", "replace") for run in _RUNS.findall(data))
        yield "\n".join(
            run.replace(b"\0", b"").decode("latin-1") for run in _WIDE_RUNS.findall(data)
        )
        return
    text = data.decode("utf-8", "replace")
    yield text
    if text.count("\ufffd") > CUT or (len(data) < OVERLAP and "\ufffd" in text):
        yield data.decode("cp1252", "replace")


def _wide_encodings(data: bytes) -> list[str]:
    """Return UTF-16 or UTF-32 where bytes have its pattern of zeros, without a mark."""
    if len(data) % 2 or not data:
        return []
    even, odd = data[::2].count(0), data[1::2].count(0)
    n = even + odd
    if n > 0.6 * len(data):
        first = data[::4].count(0)
        return ["utf-32-be" if first > 0.2 * len(data) else "utf-32-le"]
    if n > 0.004 * len(data) and max(even, odd) > 0.9 * n:
        return ["utf-16-be" if even > odd else "utf-16-le"]
    return []
