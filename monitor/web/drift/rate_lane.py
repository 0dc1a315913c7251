"""The lane of error rates under the windows: dots with whiskers, as numbers for inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.review.decision.error_rate import RateEstimate

#: Rates are drawn up to here at least.
MIN_SCALE = 0.2


@dataclass(frozen=True)
class Rate:
    """The error rate of a window's control slice, with its interval."""

    x: float
    y: float
    upper: float
    lower: float


@dataclass(frozen=True)
class RateLane:
    """Error rates; a window of which nothing is decided is a gap."""

    top: float
    bottom: float
    rates: tuple[Rate, ...]
    #: Lines between windows that follow each other, as ``x,y`` pairs.
    lines: tuple[str, ...]
    #: Where the rate at launch lies.
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
    """Lay out error rates; ``None`` where there is none.

    Args:
        known: For each window; ``None`` where nothing is decided yet.
        launch: The error rate at launch.
        step: From one window to the next.
        top: Of the lane.
        height: Of the lane.
    """
    given = [rate for rate in known if rate is not None]
    if not given:
        return None
    scale = max([MIN_SCALE, *(rate.upper for rate in given), launch or 0.0])
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
        lines=tuple(" ".join(f"{one.x},{one.y}" for one in run) for run in runs if len(run) > 1),
        launch=None if launch is None else place(launch),
        scale=scale,
    )
