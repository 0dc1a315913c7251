"""Upper tail probabilities of the binomial distribution."""

import numpy as np
from numpy.typing import NDArray
from scipy import special


def upper_tails(
    successes: NDArray[np.float64], trials: NDArray[np.float64], probability: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each ``P(X >= successes)``, ``[m]``; successes and trials may be fractional."""
    positive = np.maximum(successes, 1e-9)
    tails = special.betainc(positive, np.maximum(trials - positive, 0.0) + 1.0, probability)
    return np.asarray(np.where(successes > 0, tails, 1.0))
