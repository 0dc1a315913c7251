"""Layout of a numeric column's sparkline, for inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.windows.history.digest import Series

WIDTH, HEIGHT = 180.0, 36.0
#: Least end of the axis: smaller effects are not scaled to the whole height.
MIN_SCALE = 0.1


@dataclass(frozen=True)
class Sparkline:
    """Effect sizes of a numeric column; the line breaks at windows without a comparison."""

    #: ``x,y`` pairs of each unbroken line.
    lines: tuple[str, ...]
    #: Single windows and degraded ones: x, y and whether degraded.
    dots: tuple[tuple[float, float, bool], ...]
    #: y of the baseline.
    zero: float


def scale_of(series: Sequence[Series]) -> float:
    """Return the effect size at the end of the axis that all columns have in common."""
    return max([MIN_SCALE, *(abs(column.peak.effect_size) for column in series)])


def draw_sparkline(series: Series, scale: float) -> Sparkline:
    """Lay out the sparkline of a numeric column on an axis from -scale to +scale."""
    step = WIDTH / max(len(series.points) - 1, 1)
    middle = HEIGHT / 2
    lines: list[list[tuple[float, float]]] = [[]]
    dots = []
    for at, point in enumerate(series.points):
        if point is None:
            lines.append([])
            continue
        place = round(at * step, 1), round(middle - (middle - 3) * point.effect_size / scale, 1)
        lines[-1].append(place)
        if point.degraded:
            dots.append((*place, True))
    dots += [(*line[0], False) for line in lines if len(line) == 1]
    return Sparkline(
        tuple(" ".join(f"{x},{y}" for x, y in line) for line in lines if len(line) > 1),
        tuple(dots),
        middle,
    )
