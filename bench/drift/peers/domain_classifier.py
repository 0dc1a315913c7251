"""The classifier two-sample test: whether a model separates the windows on unseen samples.

Reference: Lopez-Paz & Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017.
"""

import numpy as np
from numpy.typing import NDArray


def domain_classifier(
    reference: NDArray[np.float32], current: NDArray[np.float32], rng: np.random.Generator
) -> float:
    """Return the one-sided Mann-Whitney p-value of the held-out AUC of a logistic regression.

    Half of each window trains the classifier, the other half tests it.
    """
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - slow to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    a, b = rng.permutation(reference), rng.permutation(current)
    half_a, half_b = len(a) // 2, len(b) // 2
    classifier = LogisticRegression(max_iter=1000)
    classifier.fit(
        np.concatenate([a[:half_a], b[:half_b]]),
        np.repeat([0, 1], [half_a, half_b]),
    )
    test = mannwhitneyu(
        classifier.decision_function(b[half_b:]),
        classifier.decision_function(a[half_a:]),
        alternative="greater",
    )
    return float(test.pvalue)
