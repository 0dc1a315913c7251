"""Values of some rows, as values of all."""

import numpy as np
from numpy.typing import NDArray


def spread_rows(
    values: NDArray[np.float64], rows: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Return the values of rows as ``[n]``, NaN elsewhere."""
    spread = np.full(n, np.nan)
    spread[rows] = values
    return spread
