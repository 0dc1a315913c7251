"""Measures of one exchange: faults of the response's form, error, latency and logged metrics."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from monitor.descriptors.refusal import declined_by_api, refusal
from monitor.descriptors.repetition import compressible, loop
from monitor.descriptors.surface import empty, token_count
from monitor.descriptors.truncation import cut_off, stopped_by_limit

#: Measures of every exchange that has them. Metrics of these names that the traffic logs are not
#: read.
LATENCY = "latency"
ERRORS = "errors"
#: Measures of the response's text.
OF_TEXT: Mapping[str, Callable[[str], float]] = {
    "empty": empty,
    "loop": loop,
    "repetition": compressible,
    "length": token_count,
}
REFUSALS = "refusals"
TRUNCATION = "truncation"
NAMES = frozenset({LATENCY, ERRORS, *OF_TEXT, REFUSALS, TRUNCATION})


def measure_response(
    response: str | None,
    attributes: Mapping[str, Any],
    *,
    latency_field: str = "latency_seconds",
    error_field: str = "error",
) -> dict[str, float]:
    """Return the measures of an exchange by name; what doesn't apply is missing.

    The response and the latency of a failed call are not measured: its error is. The response is
    ``None`` where the source withholds it. The attributes are what production logged: numbers and
    booleans are metrics, and the two fields name the latency and the error, which is a text that
    isn't empty, true, or a number other than 0.
    """
    failed = bool(attributes.get(error_field))
    metrics = {
        name: float(value)
        for name, value in attributes.items()
        if isinstance(value, int | float) and name not in NAMES and math.isfinite(value)
    }
    measures = {**metrics, ERRORS: float(failed)}
    latency = attributes.get(latency_field)
    if failed:
        return measures
    if isinstance(latency, int | float) and not isinstance(latency, bool):
        measures[LATENCY] = float(latency)
    if response is not None:
        measures |= {name: function(response) for name, function in OF_TEXT.items()}
        measures |= _endings(response, attributes)
    return {name: value for name, value in measures.items() if math.isfinite(value)}


def _endings(response: str, attributes: Mapping[str, Any]) -> dict[str, float]:
    reason = attributes.get("finish_reason")
    stated = reason if isinstance(reason, str) else ""
    declined = bool(attributes.get("refusal")) or declined_by_api(stated) or refusal(response)
    return {
        REFUSALS: float(declined),
        TRUNCATION: stopped_by_limit(stated) if stated else cut_off(response),
    }
