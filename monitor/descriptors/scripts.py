"""Unicode scripts of the letters of a text."""

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.characters import code_units

#: Blocks of the basic plane, first and last code point.
BLOCKS: tuple[tuple[str, int, int], ...] = (
    ("Latin", 0x0041, 0x005A),
    ("Latin", 0x0061, 0x007A),
    ("Latin", 0x00C0, 0x024F),
    ("Latin", 0x1E00, 0x1EFF),
    ("Greek", 0x0370, 0x03FF),
    ("Cyrillic", 0x0400, 0x052F),
    ("Armenian", 0x0530, 0x058F),
    ("Hebrew", 0x0590, 0x05FF),
    ("Arabic", 0x0600, 0x06FF),
    ("Arabic", 0x0750, 0x077F),
    ("Devanagari", 0x0900, 0x097F),
    ("Bengali", 0x0980, 0x09FF),
    ("Gurmukhi", 0x0A00, 0x0A7F),
    ("Gujarati", 0x0A80, 0x0AFF),
    ("Tamil", 0x0B80, 0x0BFF),
    ("Telugu", 0x0C00, 0x0C7F),
    ("Kannada", 0x0C80, 0x0CFF),
    ("Malayalam", 0x0D00, 0x0D7F),
    ("Sinhala", 0x0D80, 0x0DFF),
    ("Thai", 0x0E00, 0x0E7F),
    ("Lao", 0x0E80, 0x0EFF),
    ("Myanmar", 0x1000, 0x109F),
    ("Georgian", 0x10A0, 0x10FF),
    ("Hangul", 0x1100, 0x11FF),
    ("Ethiopic", 0x1200, 0x137F),
    ("Khmer", 0x1780, 0x17FF),
    ("Kana", 0x3040, 0x30FF),
    ("Han", 0x3400, 0x4DBF),
    ("Han", 0x4E00, 0x9FFF),
    ("Hangul", 0xAC00, 0xD7AF),
)

NAMES: tuple[str, ...] = tuple(dict.fromkeys(name for name, _, _ in BLOCKS))


def _table() -> NDArray[np.uint8]:
    table = np.zeros(1 << 16, dtype=np.uint8)
    for name, first, last in BLOCKS:
        table[first : last + 1] = 1 + NAMES.index(name)
    return table


_SCRIPT = _table()


def count_scripts(text: str) -> dict[str, int]:
    """Return the number of letters of each script that occurs; digits and signs have none.

    Example:
        >>> count_scripts("GPT は 42")
        {'Latin': 3, 'Kana': 1}
    """
    counts = np.bincount(_SCRIPT[code_units(text)], minlength=1 + len(NAMES))[1:]
    return {name: int(count) for name, count in zip(NAMES, counts, strict=True) if count}
