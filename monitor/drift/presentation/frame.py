"""Results as rows of a data frame."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from monitor.drift.presentation.optional import import_optional

if TYPE_CHECKING:
    from monitor.drift.result import DriftResult

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


def rows_of_result(result: "DriftResult") -> list[dict[str, Any]]:
    """Return the rows of a comparison: the window, its tests, descriptors and clusters."""
    lower, upper = result.drifted_share_interval
    rows: list[dict[str, Any]] = [
        {
            "kind": "drifted_share",
            "name": "drifted_share",
            "verdict": result.verdict,
            "estimate": result.drifted_share,
            "lower": lower,
            "upper": upper,
            "p_value": result.p_value,
        }
    ]
    if result.moved_share is not None:
        lower, upper = result.moved_share_interval
        rows.append(
            {
                "kind": "moved_share",
                "name": "groups",
                "estimate": result.moved_share,
                "lower": lower,
                "upper": upper,
            }
        )
    if result.shift is not None:
        lower, upper = result.shift_interval
        rows.append(
            {
                "kind": "shift",
                "name": "shift",
                "estimate": result.shift,
                "lower": lower,
                "upper": upper,
            }
        )
    rows += [row_of_test(test) for test in result.tests]
    rows += [row_of_change("descriptor", change) for change in result.descriptors]
    rows += [
        {
            "kind": "cluster",
            "name": f"cluster {number}",
            "estimate": cluster.enrichment,
            "lower": cluster.enrichment_lower,
            "upper": cluster.enrichment_upper,
            "reference": cluster.share_reference,
            "current": cluster.share_current,
            "adjusted_p_value": cluster.adjusted_p_value,
        }
        for number, cluster in enumerate(result.clusters)
    ]
    return rows


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
