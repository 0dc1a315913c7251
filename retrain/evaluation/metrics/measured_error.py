"""Error of a rule or judge that recognises something, measured on labelled responses.

A share that a rule counts differs from the true one by its misses and false alarms. The bounds of
gates include both, at the worst values that the labelled responses allow (Rogan and Gladen, 1978,
American Journal of Epidemiology 107).
"""

from dataclasses import dataclass

from monitor.statistics.intervals import clopper_pearson

Counts = tuple[int, int]


@dataclass(frozen=True)
class MeasuredError:
    """Counts on labelled responses: recognised rightly, of all."""

    #: Of the responses that have what is looked for.
    positives: Counts
    #: Of the responses that don't.
    negatives: Counts

    def bounds(self, lower: float, upper: float, tail: float) -> tuple[float, float]:
        """Return bounds of the true share from bounds of the counted one.

        The lower bound assumes no miss and the most false alarms, the upper one the reverse. Each
        is wrong with a probability of at most ``tail`` more than the bound it is given.
        """
        sensitivity = clopper_pearson(*self.positives, tail)[0]
        specificity = clopper_pearson(*self.negatives, tail)[0]
        least = (lower + specificity - 1) / specificity if specificity else 0.0
        most = upper / sensitivity if sensitivity else 1.0
        return max(0.0, least), min(1.0, most)

    def __str__(self) -> str:
        parts = []
        for name, (right, n) in (("sensitivity", self.positives), ("specificity", self.negatives)):
            low, high = clopper_pearson(right, n, 0.025)
            parts.append(f"{name} {right} of {n} ({low:.0%} to {high:.0%})")
        return "classifier: " + ", ".join(parts)


#: Counts on the held-out rows of ``bench/retrain/labelled``; a test measures them again.
REFUSAL_ERROR = MeasuredError(positives=(28, 35), negatives=(8, 8))
OVER_REFUSAL_ERROR = MeasuredError(positives=(28, 35), negatives=(24, 26))
HALLUCINATION_ERROR = MeasuredError(positives=(51, 98), negatives=(57, 59))
