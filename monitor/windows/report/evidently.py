"""Evidently's HTML report on descriptors, metrics and task types; it gets no texts or vectors."""

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.report.evidently_names import distinct, plain

if TYPE_CHECKING:
    from pandas import DataFrame

#: Rows of each side; more do not improve the histograms.
MAX_ROWS = 5_000

#: Categories; the rest are counted together.
MAX_CATEGORIES = 20

TASK_TYPE = "task type"


def render_evidently(
    numeric_columns: Sequence[NumericColumn],
    reference_task_types: Sequence[str],
    current_task_types: Sequence[str],
    rng: np.random.Generator,
    *,
    current_weights: NDArray[np.float64] | None = None,
) -> str:
    """Render the distributions of descriptors, metrics and task types as one HTML page.

    Rows are sampled to :data:`MAX_ROWS` a side. Names and categories are stripped of HTML markup,
    because Evidently writes them into a script of the page.

    Where the exchanges of the window have weights, which differ, rows are sampled in proportion,
    with replacement.
    """
    # Set before the import: Evidently reads it when it is imported.
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        # Its imports and NumPy calls raise deprecation warnings that only Evidently can fix.
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415 - takes 5 s
        from evidently.presets import DataDriftPreset  # noqa: PLC0415

        usable = [column for column in numeric_columns if _has_values(column)]
        names = distinct([plain(f"{column.side}: {column.name}") for column in usable])
        has_types = len({*reference_task_types, *current_task_types}) > 1
        common = _common_types(reference_task_types, current_task_types)
        reference = _frame(
            {name: column.reference for name, column in zip(names, usable, strict=True)},
            reference_task_types if has_types else None,
            common,
            rng,
        )
        current = _frame(
            {name: column.current for name, column in zip(names, usable, strict=True)},
            current_task_types if has_types else None,
            common,
            rng,
            current_weights,
        )
        definition = DataDefinition(
            numerical_columns=names, categorical_columns=[TASK_TYPE] if has_types else []
        )
        preset = DataDriftPreset(num_method="wasserstein", cat_method="jensenshannon")
        snapshot = Report([preset]).run(
            Dataset.from_pandas(current, data_definition=definition),
            Dataset.from_pandas(reference, data_definition=definition),
        )
        return str(snapshot.get_html_str(as_iframe=False))


def _frame(
    columns: dict[str, NDArray[np.float64]],
    task_types: Sequence[str] | None,
    common: set[str],
    rng: np.random.Generator,
    weights: NDArray[np.float64] | None = None,
) -> "DataFrame":
    import pandas as pd  # noqa: PLC0415 - only where a report is rendered

    n = len(next(iter(columns.values()))) if columns else len(task_types or ())
    rows = np.arange(n)
    if weights is not None:
        rows = np.sort(rng.choice(n, min(n, MAX_ROWS), p=weights / weights.sum()))
    elif n > MAX_ROWS:
        rows = np.sort(rng.choice(n, MAX_ROWS, replace=False))
    values: dict[str, Any] = {name: column[rows] for name, column in columns.items()}
    if task_types is not None:
        named = [name if name in common else "(other)" for name in task_types]
        values[TASK_TYPE] = [plain(named[row]) or "(none)" for row in rows]
    return pd.DataFrame(values)


def _common_types(reference: Sequence[str], current: Sequence[str]) -> set[str]:
    names, counts = np.unique(np.asarray([*reference, *current], dtype=str), return_counts=True)
    return {str(names[index]) for index in np.argsort(-counts)[:MAX_CATEGORIES]}


def _has_values(column: NumericColumn) -> bool:
    """Return whether both sides have values, not all equal: otherwise there is nothing to draw."""
    finite = [side[np.isfinite(side)] for side in (column.reference, column.current)]
    return all(side.size > 1 for side in finite) and bool(np.ptp(np.concatenate(finite)) > 0)
