"""The sparkline of a characteristic: numbers for inline SVG."""

from dataclasses import dataclass

from monitor.windows.history.digest import Series

WIDTH, HEIGHT = 180.0, 36.0
#: A smaller effect isn't blown up to the whole height.
MIN_SCALE = 0.1


@dataclass(frozen=True)
class Sparkline:
    """A characteristic's effect sizes; the line breaks where a window wasn't compared."""

    #: ``x,y`` pairs of each unbroken run.
    lines: tuple[str, ...]
    #: Single windows, and those in which it was degraded: x, y, and whether it was.
    dots: tuple[tuple[float, float, bool], ...]
    #: Where the baseline lies.
    zero: float


def draw_sparkline(series: Series) -> Sparkline:
    """Lay out the sparkline of a characteristic."""
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
