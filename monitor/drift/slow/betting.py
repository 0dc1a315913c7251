r"""Wealth of bets against the null hypothesis of no drift, as sequential evidence.

A bet on an innovation :math:`z_t`, standard normal given the past under the null hypothesis, at a
stake :math:`\lambda_t` that depends on the past, multiplies the wealth by
:math:`e_t = \exp(\lambda_t z_t - \lambda_t^2 / 2)`, of expectation 1. The wealth that begins in any
week :math:`k`, :math:`\prod_{t \ge k} e_t`, is a martingale, and so is a mixture of such with fixed
shares; by Ville's inequality it ever reaches :math:`1/\alpha` with probability :math:`\alpha` at
most, however long one watches (Shekhar & Ramdas, "Nonparametric Two-Sample Testing by Betting",
arXiv 2112.09162, section 2; the mixture over beginnings: Shin, Ramdas & Rinaldo, "E-detectors",
arXiv 2203.03532). For a ramp the product is the likelihood ratio of Gaussian means that grow by the
same step each week from the week :math:`k` on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.drift.slow.innovations import Innovation

#: Novelty of an outlier above that of an ordinary sample: a rank beyond 99% of the reference.
OUTLIER_NOVELTY = 20.0

#: Bets on scattered novelty: weekly growth, as a share of the traffic.
GROWTHS = np.array([0.0025, 0.005, 0.01, 0.02, 0.04])

#: Bets on the learned topics: weekly growth, in standard errors.
STAKES = np.array([0.75, 1.5, 3.0])


def share_of_onset(week: int) -> float:
    """Return the share of the wealth reserved for an onset in a week, counted from 1.

    ``1 / (k (k + 1))`` adds up to 1 over all weeks, so that the test may run forever.
    """
    return 1.0 / (week * (week + 1))


@dataclass
class Wealth:
    """The wealth of every onset and every bet."""

    #: float64 ``[weeks, bets]``: logarithms, the bets on novelty first.
    logarithms: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((0, len(GROWTHS) + len(STAKES)))
    )

    def bet(self, novelty: Innovation, topics: Innovation | None, weeks: Sequence[int]) -> None:
        """Add the outcome of a week.

        Args:
            novelty: Innovation of the mean novelty.
            topics: Innovation of the learned direction; ``None`` where no cell has gained.
            weeks: Numbers of the weeks so far, this one last. Drift also grows in the gap of a
                week without an evaluation.
        """
        number = np.asarray(weeks)
        # In week k of the ramp drift has grown k steps; in the reference, first in the gain, none.
        ramp = np.maximum(number[None, :] - number[:, None] + 1, 0)
        stake = (ramp @ novelty.gain[1:])[:, None] * (OUTLIER_NOVELTY * GROWTHS)
        increments = [stake * novelty.z - stake**2 / 2.0]
        on_topics = np.zeros(len(STAKES))
        if topics is not None:
            on_topics = STAKES * topics.z - STAKES**2 / 2.0
        increments.append(np.broadcast_to(on_topics, (len(number), len(STAKES))))
        grown = np.vstack([self.logarithms, np.zeros(self.logarithms.shape[1])])
        self.logarithms = grown + np.hstack(increments)

    @property
    def log_total(self) -> float:
        """Return the logarithm of the mixture; wealth reserved for later onsets is 1."""
        shares = np.array([share_of_onset(k) for k in range(1, len(self.logarithms) + 1)])
        reserved = 1.0 - shares.sum()
        return float(
            special.logsumexp(np.append(self._by_onset(), 0.0), b=np.append(shares, reserved))
        )

    @property
    def onset(self) -> int:
        """Return the index of the most likely week of the onset."""
        return int(self._by_onset().argmax())

    def _by_onset(self) -> NDArray[np.float64]:
        """Return the logarithm of the wealth of each onset, from an initial wealth of 1."""
        initial = np.repeat([0.5 / len(GROWTHS), 0.5 / len(STAKES)], [len(GROWTHS), len(STAKES)])
        return np.asarray(special.logsumexp(self.logarithms, axis=1, b=initial))
