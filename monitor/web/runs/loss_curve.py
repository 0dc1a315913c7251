"""The losses of a training: numbers for inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640.0, 160.0


@dataclass(frozen=True)
class LossCurve:
    """The curves of a run, laid out."""

    #: ``x,y`` pairs of the loss on the training set.
    training: str
    #: The same on what was held back, and its points.
    validation: str
    dots: tuple[tuple[float, float], ...]
    #: What the axes begin and end with.
    highest: float
    lowest: float
    last_step: int


def draw_losses(
    losses: Sequence[Sequence[float]], validation: Sequence[Sequence[float]], n_steps: int
) -> LossCurve | None:
    """Lay out the curves; ``None`` while there are fewer than two points.

    Args:
        losses: (step, loss) on the training set.
        validation: (step, loss) on what was held back.
        n_steps: Steps of the whole run, which end the axis.
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
