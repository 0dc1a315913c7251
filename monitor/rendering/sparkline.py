"""Sparklines of block characters, for terminals and messages."""

from collections.abc import Iterable

#: From the least to the greatest height.
LEVELS = "▁▂▃▄▅▆▇█"


def draw_sparkline(heights: Iterable[float | None]) -> str:
    """Return heights in [0, 1] as blocks; a gap is a dot.

    Example:
        >>> draw_sparkline([0.0, 0.5, None, 1.0])
        '▁▅·█'
    """
    top = len(LEVELS) - 1
    return "".join(
        "·" if height is None else LEVELS[min(top, int(height * top + 0.5))] for height in heights
    )
