"""Layout of a training run's loss curves, for inline SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640.0, 160.0


@dataclass(frozen=True)
class LossCurve:
    """The loss curves of a training run, in SVG coordinates."""

    #: ``x,y`` pairs of the training loss.
    training: str
    #: ``x,y`` pairs of the validation loss, and its points.
    validation: str
    dots: tuple[tuple[float, float], ...]
    #: The ends of the axes.
    highest: float
    lowest: float
    last_step: int
    #: y and label of each tick of the loss, x and label of each tick of the steps.
    loss_ticks: tuple[tuple[float, str], ...]
    step_ticks: tuple[tuple[float, str], ...]


def draw_losses(
    losses: Sequence[Sequence[float]], validation: Sequence[Sequence[float]], n_steps: int
) -> LossCurve | None:
    """Lay out the loss curves; ``None`` for fewer than two points.

    The losses are (step, loss); the axis ends at the steps of the whole run.
    """
    if len(losses) < 2:
        return None
    values = [loss for _, loss in (*losses, *validation)]
    highest, lowest = max(values), min(0.0, *values)
    last = max(n_steps, int(losses[-1][0]), 1)
    span = (highest - lowest) or 1.0

    def place(point: Sequence[float]) -> tuple[float, float]:
        x = round(WIDTH * point[0] / last, 1)
        return x, round(HEIGHT - HEIGHT * (point[1] - lowest) / span, 1)

    dots = tuple(place(point) for point in validation)
    return LossCurve(
        training=_joined([place(point) for point in losses]),
        validation=_joined(dots),
        dots=dots,
        highest=highest,
        lowest=lowest,
        last_step=last,
        loss_ticks=tuple(
            (round(HEIGHT - HEIGHT * (value - lowest) / span, 1), f"{value:g}")
            for value in _round_values(lowest, highest)
        ),
        step_ticks=tuple(
            (round(WIDTH * value / last, 1), f"{value:,.0f}")
            for value in _round_values(0, last)
            if value == int(value)
        ),
    )


def _round_values(low: float, high: float) -> list[float]:
    """Return up to seven multiples of 1, 2 or 5 of a power of 10 within a range."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if (high - low) / (factor * power) <= 6)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _joined(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)
