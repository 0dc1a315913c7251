"""Layout of a training run's loss curves, for inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.rendering.axes import Axes, Scale

#: The axis ends above the highest loss.
HEADROOM = 1.05


@dataclass(frozen=True)
class LossCurve:
    """The loss curves of a training run: x of 1000, y of 100 from the top."""

    axes: Axes
    #: ``x,y`` pairs of the training loss.
    training: str
    #: ``x,y`` pairs of the validation loss, and its points.
    validation: str
    dots: tuple[tuple[float, float], ...]
    #: What the chart says.
    sentence: str


def draw_losses(
    losses: Sequence[Sequence[float]], validation: Sequence[Sequence[float]], n_steps: int
) -> LossCurve | None:
    """Lay out the loss curves; ``None`` for fewer than two points.

    The losses are (step, loss); the axis ends at the steps of the whole run.
    """
    if len(losses) < 2:
        return None
    values = [loss for _, loss in (*losses, *validation)]
    down = Scale(min(0.0, *values), HEADROOM * max(values))
    along = Scale(0.0, max(n_steps, int(losses[-1][0]), 1))

    def place(point: Sequence[float]) -> tuple[float, float]:
        return round(10 * along.along(point[0]), 1), down.down(point[1])

    dots = tuple(place(point) for point in validation)
    steps = along.ticks(lambda value: f"{value:,g}", is_x=True)
    return LossCurve(
        axes=Axes(
            down.ticks(lambda value: f"{value:g}"),
            "Loss per token, nats",
            tuple(tick for tick in steps if "." not in tick.label),
            "Training steps",
        ),
        training=_joined([place(point) for point in losses]),
        validation=_joined(dots),
        dots=dots,
        sentence=_describe(losses, validation),
    )


def _describe(losses: Sequence[Sequence[float]], validation: Sequence[Sequence[float]]) -> str:
    """Return the course of the losses in a sentence."""
    (_, first), (step, last) = losses[0], losses[-1]
    course = "fell" if last < first else "rose" if last > first else "stayed"
    text = f"The training loss {course} from {first:.3g} to {last:.3g} by step {step:,.0f}"
    if not validation:
        return f"{text}."
    newest = validation[-1][1]
    lowest = min(validation, key=lambda point: point[1])
    text += f"; the validation loss is {newest:.3g}"
    return f"{text}, its lowest {lowest[1]:.3g} at step {lowest[0]:,.0f}."


def _joined(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)
