"""Results as rows of a data frame."""

from collections.abc import Sequence
from typing import Any

from monitor.drift.presentation.optional import import_optional

#: Columns of the rows of every result. ``estimate`` is what the kind of row estimates, with its 95%
#: interval; ``reference`` and ``current`` are shares or means of both sides.
COLUMNS = (
    *("family", "kind", "name", "verdict", "estimate", "lower", "upper"),
    *("reference", "current", "p_value", "adjusted_p_value"),
)
NUMBERS = COLUMNS[4:]


def make_frame(rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as a pandas frame with :data:`COLUMNS`; NaN where a row has no number.

    Raises:
        ImportError: pandas is not installed.
    """
    pandas = import_optional("pandas", "to_frame()")
    frame = pandas.DataFrame(list(rows), columns=list(COLUMNS))
    frame[list(NUMBERS)] = frame[list(NUMBERS)].astype("float64")
    texts = ["family", "kind", "name", "verdict"]
    frame[texts] = frame[texts].astype(object).where(frame[texts].notna(), "")
    return frame


def row_of_estimate(
    kind: str, name: str, estimate: float, interval: tuple[float, float], **columns: Any
) -> dict[str, Any]:
    """Return the row of an estimate with its 95% interval, and other columns."""
    lower, upper = interval
    return {
        "kind": kind,
        "name": name,
        "estimate": estimate,
        "lower": lower,
        "upper": upper,
        **columns,
    }


def row_of_test(test: Any) -> dict[str, Any]:
    """Return the row of a test, of a result or of an assessment."""
    return {
        "kind": "test",
        "name": test.name,
        "estimate": test.effect_size,
        "lower": test.effect_lower,
        "upper": test.effect_upper,
        "p_value": test.p_value,
        "adjusted_p_value": test.adjusted_p_value,
    }


def row_of_change(kind: str, change: Any) -> dict[str, Any]:
    """Return the row of a descriptor's change, of a result or of an assessment."""
    return {
        "kind": kind,
        "name": change.name,
        "estimate": change.change,
        "lower": change.lower,
        "upper": change.upper,
        "p_value": change.p_value,
        "adjusted_p_value": change.adjusted_p_value,
    }
