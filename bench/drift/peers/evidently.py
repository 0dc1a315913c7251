"""Evidently's four drift methods for embeddings, with its defaults and with its bootstrap."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Variant to Evidently's function and its arguments; ``ratio`` has no bootstrap.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "Evidently model": ("model", {}),
    "Evidently model, bootstrap": ("model", {"bootstrap": True}),
    "Evidently mmd": ("mmd", {}),
    "Evidently mmd, bootstrap": ("mmd", {"bootstrap": True}),
    "Evidently distance": ("distance", {}),
    "Evidently distance, bootstrap": ("distance", {"bootstrap": True}),
    "Evidently ratio": ("ratio", {}),
}


def evidently_method(
    variant: str,
) -> Callable[[NDArray[np.float32], NDArray[np.float32]], bool]:
    """Return a function of (reference, current) that says whether Evidently alarms.

    Args:
        variant: A key of :data:`VARIANTS`.
    """
    name, arguments = VARIANTS[variant]
    # Set before the import: Evidently reads it when it is imported.
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        # Its imports warn of deprecations that only Evidently can mend.
        warnings.simplefilter("ignore")
        import pandas  # noqa: PLC0415, ICN001 - slow to import
        from evidently.legacy.metrics.data_drift import (  # noqa: PLC0415 - takes 5 s
            embedding_drift_methods,
        )
    method = getattr(embedding_drift_methods, name)(**arguments)

    def alarms(reference: NDArray[np.float32], current: NDArray[np.float32]) -> bool:
        # It writes a column into the frames it is given; these are its own.
        frames = {
            "current_emb": pandas.DataFrame(current),
            "reference_emb": pandas.DataFrame(reference),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, drifted, _ = method(**frames)
        return bool(drifted)

    return alarms
