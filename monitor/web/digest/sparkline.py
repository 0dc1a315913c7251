"""Layout of a numeric column's sparkline, for inline SVG."""

from dataclasses import dataclass

from monitor.windows.history.digest import Series

WIDTH, HEIGHT = 180.0, 36.0
#: Smaller effects are not scaled to the whole height.
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


def draw_sparkline(series: Series) -> Sparkline:
    """Lay out the sparkline of a numeric column."""
    scale = max(MIN_SCALE, abs(series.peak.effect_size))
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
