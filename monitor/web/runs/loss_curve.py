"""Layout of a training run's loss curves, for inline SVG."""

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


def draw_losses(
    losses: Sequence[Sequence[float]], validation: Sequence[Sequence[float]], n_steps: int
) -> LossCurve | None:
    """Lay out the loss curves; ``None`` for fewer than two points.

    Args:
        losses: (step, training loss).
        validation: (step, validation loss).
        n_steps: Steps of the whole run: the end of the axis.
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
    )


def _joined(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)
