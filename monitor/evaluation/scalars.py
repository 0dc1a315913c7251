"""Every number that is compared: characteristics of prompts and responses, and metrics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift import ScalarComparison, adjust_bh, compare_scalar
from monitor.drift import text_characteristics as texts
from monitor.evaluation.metrics import Direction, direction_of, metric_names, metric_values
from monitor.evaluation.window import Window
from monitor.settings import Drift
from monitor.store.assessment import Characteristic

Side = Literal["prompt", "response", "metric"]

PROMPT: dict[str, tuple[Direction, Callable[[str], float]]] = {
    "length": (0, texts.length),
    "non-letter share": (0, texts.non_letter_share),
    "questions": (0, texts.question),
}
RESPONSE: dict[str, tuple[Direction, Callable[[str], float]]] = {
    "length": (0, texts.length),
    "non-letter share": (0, texts.non_letter_share),
    "repetition": (0, texts.repetition),
    "empty": (-1, texts.empty),
    "refusal": (-1, texts.refusal),
    "cut off": (-1, texts.cut_off),
}

#: JSON is checked where at least this share of the baseline's responses is meant to be JSON.
JSON_SHARE = 0.5


@dataclass(frozen=True)
class Scalar:
    """One number of each exchange, on both sides; NaN where an exchange has none."""

    name: str
    side: Side
    direction: Direction
    #: ``[n_reference]``
    reference: NDArray[np.float64]
    #: ``[n_current]``
    current: NDArray[np.float64]


def scalars_of(reference: Window, current: Window, drift: Drift) -> tuple[Scalar, ...]:
    """Return what is compared. A characteristic that never varies is left out."""
    scalars = [
        Scalar(name, "prompt", way, *_both(reference.prompts, current.prompts, function))
        for name, (way, function) in PROMPT.items()
    ]
    if any(reference.responses) and any(current.responses):
        checks = dict(RESPONSE)
        meant = np.mean([texts.looks_like_json(response) for response in reference.responses])
        if meant >= JSON_SHARE:
            checks["valid JSON"] = (1, texts.valid_json)
        scalars += [
            Scalar(name, "response", way, *_both(reference.responses, current.responses, function))
            for name, (way, function) in checks.items()
        ]
    scalars = [one for one in scalars if np.ptp(np.concatenate([one.reference, one.current])) > 0]
    scalars += [
        Scalar(
            name,
            "metric",
            direction_of(name, drift),
            metric_values(reference.attributes, name),
            metric_values(current.attributes, name),
        )
        for name in metric_names(reference.attributes, current.attributes)
    ]
    return tuple(scalars)


def compare_scalars(
    scalars: Sequence[Scalar],
    reference: Window,
    current: Window,
    *,
    drift: Drift,
    alert_threshold: float,
) -> tuple[Characteristic, ...]:
    """Compare each scalar; p-values are adjusted for their number by Benjamini-Hochberg."""
    compared = [
        (one, comparison)
        for one in scalars
        if (
            comparison := compare_scalar(
                one.reference,
                one.current,
                reference_groups=reference.users,
                current_groups=current.users,
                current_weights=current.weights,
            )
        )
    ]
    adjusted = adjust_bh([comparison.p_value for _, comparison in compared])
    return tuple(
        Characteristic(
            name=one.name,
            side=one.side,
            direction=one.direction,
            n_reference=comparison.n_reference,
            n_current=comparison.n_current,
            reference_mean=comparison.reference_mean,
            current_mean=comparison.current_mean,
            effect_size=comparison.effect_size,
            relative_change=comparison.relative_change,
            relative_change_lower=comparison.relative_change_lower,
            relative_change_upper=comparison.relative_change_upper,
            p_value=comparison.p_value,
            adjusted_p_value=float(adjusted_p_value),
            degraded=bool(adjusted_p_value <= drift.alpha)
            and is_degraded(one, comparison, drift.minimum_mass, alert_threshold),
        )
        for (one, comparison), adjusted_p_value in zip(compared, adjusted, strict=True)
    )


def is_degraded(
    scalar: Scalar, comparison: ScalarComparison, minimum_mass: float, alert_threshold: float
) -> bool:
    """Tell whether a number got worse by the threshold, and surely worse at all.

    From a mean of zero no relative change is defined, and a rare thing, such as a refusal, doubles
    easily: there, and for characteristics that driftwarden itself measures, Cliff's delta must
    reach the floor of the drifted share as well.
    """
    if scalar.direction == 0 or scalar.direction * comparison.effect_size >= 0:
        return False
    if scalar.side != "metric" and abs(comparison.effect_size) < minimum_mass:
        return False
    if comparison.relative_change is None:
        return abs(comparison.effect_size) >= minimum_mass
    if scalar.direction * comparison.relative_change > -alert_threshold:
        return False
    lower, upper = comparison.relative_change_lower, comparison.relative_change_upper
    if lower is None or upper is None:
        return False
    return upper < 0 if scalar.direction > 0 else lower > 0


def _both(
    reference: Sequence[str], current: Sequence[str], function: Callable[[str], float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return texts.each(reference, function), texts.each(current, function)
