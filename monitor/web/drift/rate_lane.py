"""Layout of the error-rate lane of the window chart: dots with whiskers, by version."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.review.decision.weekly_rates import WeeklyRate

#: The smallest rate at the top of the lane.
MIN_SCALE = 0.2


@dataclass(frozen=True)
class Rate:
    """The error rate of a version's part of a window with its interval, in SVG coordinates."""

    x: float
    y: float
    upper: float
    lower: float


@dataclass(frozen=True)
class LaunchLine:
    """The rate at launch of a version, over the windows in which it was reviewed."""

    version: str
    x1: float
    x2: float
    y: float


@dataclass(frozen=True)
class RateLane:
    """The error-rate lane; a window without decided items is a gap."""

    top: float
    bottom: float
    rates: tuple[Rate, ...]
    #: ``x,y`` pairs of the lines between consecutive windows of one version.
    lines: tuple[str, ...]
    launches: tuple[LaunchLine, ...]
    #: The rate at the top.
    scale: float


def lay_out_rates(
    windows: Sequence[Sequence[WeeklyRate]], *, step: float, top: float, height: float
) -> RateLane | None:
    """Lay out the error rates of each window by version; ``None`` without any.

    A window without decided items has no rate. ``step`` is the distance between windows.
    """
    known = [weekly for window in windows for weekly in window if weekly.rate is not None]
    if not known:
        return None
    launches = [weekly.launch.errors / weekly.launch.n for weekly in known]
    scale = max([MIN_SCALE, *(w.rate.upper for w in known if w.rate is not None), *launches])
    bottom = top + height

    def place(rate: float) -> float:
        return round(bottom - height * rate / scale, 2)

    drawn: list[Rate] = []
    #: Of each version of the window before: its points, and the line of its launch.
    runs: dict[str, list[Rate]] = {}
    ended: list[list[Rate]] = []
    lines: dict[str, LaunchLine] = {}
    ended_lines: list[LaunchLine] = []
    for at, window in enumerate(windows):
        rated = [weekly for weekly in window if weekly.rate is not None]
        names = {weekly.version for weekly in rated}
        ended += [runs.pop(name) for name in list(runs) if name not in names]
        if window:  # between windows without a batch the line of the launch goes on
            ended_lines += [lines.pop(name) for name in list(lines) if name not in names]
        for number, weekly in enumerate(rated, 1):
            assert weekly.rate is not None  # noqa: S101 - filtered above
            x = round((at + number / (len(rated) + 1)) * step, 2)
            rate = Rate(x, *map(place, (weekly.rate.rate, weekly.rate.upper, weekly.rate.lower)))
            drawn.append(rate)
            runs.setdefault(weekly.version, []).append(rate)
            before = lines.get(weekly.version)
            lines[weekly.version] = LaunchLine(
                weekly.version,
                round(at * step, 2) if before is None else before.x1,
                round((at + 1) * step, 2),
                place(weekly.launch.errors / weekly.launch.n),
            )
    ended += runs.values()
    return RateLane(
        top=top,
        bottom=bottom,
        rates=tuple(drawn),
        lines=tuple(" ".join(f"{r.x},{r.y}" for r in run) for run in ended if len(run) > 1),
        launches=(*ended_lines, *lines.values()),
        scale=scale,
    )
