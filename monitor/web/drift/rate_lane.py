"""Layout of the error-rate lane of the window chart: dots with whiskers."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.review.decision.error_rate import RateEstimate

#: The smallest rate at the top of the lane.
MIN_SCALE = 0.2


@dataclass(frozen=True)
class Rate:
    """The error rate of a window's control slice with its interval, in SVG coordinates."""

    x: float
    y: float
    upper: float
    lower: float


@dataclass(frozen=True)
class RateLane:
    """The error-rate lane; a window without decided items is a gap."""

    top: float
    bottom: float
    rates: tuple[Rate, ...]
    #: ``x,y`` pairs of the lines between consecutive windows.
    lines: tuple[str, ...]
    #: y of the rate at launch.
    launch: float | None
    #: The rate at the top.
    scale: float


def lay_out_rates(
    known: Sequence[RateEstimate | None],
    launch: float | None,
    *,
    step: float,
    top: float,
    height: float,
) -> RateLane | None:
    """Lay out error rates; ``None`` without any.

    A window without decided items has no rate. ``step`` is the distance between windows.
    """
    estimates = [rate for rate in known if rate is not None]
    if not estimates:
        return None
    scale = max([MIN_SCALE, *(rate.upper for rate in estimates), launch or 0.0])
    bottom = top + height

    def place(rate: float) -> float:
        return round(bottom - height * rate / scale, 2)

    drawn: list[Rate] = []
    runs: list[list[Rate]] = [[]]
    for at, rate in enumerate(known):
        if rate is None:
            runs.append([])
            continue
        x = round((at + 0.5) * step, 2)
        drawn.append(Rate(x, place(rate.rate), place(rate.upper), place(rate.lower)))
        runs[-1].append(drawn[-1])
    return RateLane(
        top=top,
        bottom=bottom,
        rates=tuple(drawn),
        lines=tuple(" ".join(f"{rate.x},{rate.y}" for rate in run) for run in runs if len(run) > 1),
        launch=None if launch is None else place(launch),
        scale=scale,
    )
