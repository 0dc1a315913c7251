r"""Evidence against "nothing drifts" as the wealth of a gambler who can't gain while that is true.

A bet on an innovation :math:`z_t`, standard normal given the past under the null hypothesis, at a
stake :math:`\lambda_t` that the past decides, multiplies the wealth by
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

#: What a foreign sample's novelty is above an ordinary one's: a rank beyond 99% of the reference.
OUTLIER_NOVELTY = 20.0

#: Bets on scattered novelty: the share of the traffic by which it grows each week.
GROWTHS = np.array([0.0025, 0.005, 0.01, 0.02, 0.04])

#: Bets on the topics learned so far: standard errors that they gain each week.
STAKES = np.array([0.75, 1.5, 3.0])


def share_of_onset(week: int) -> float:
    """Return the share of the wealth kept for drift that begins in a week, counted from 1.

    ``1 / (k (k + 1))`` adds up to 1 over all weeks, so the watch need never end.
    """
    return 1.0 / (week * (week + 1))


@dataclass
class Wealth:
    """The wealth of every beginning and every bet."""

    #: float64 ``[weeks, bets]``: logarithms, the bets on novelty first.
    logarithms: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((0, len(GROWTHS) + len(STAKES)))
    )

    def bet(self, novelty: Innovation, topics: Innovation | None, weeks: Sequence[int]) -> None:
        """Add a week's outcome.

        Args:
            novelty: The innovation of the mean novelty.
            topics: That of the direction learned so far; ``None`` where nothing was learned.
            weeks: The number of each week so far, this one last: a week without an evaluation
                leaves a gap, in which drift grows all the same.
        """
        number = np.asarray(weeks)
        # The week k of the ramp has grown k steps; the reference, first in the gain, none.
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
        """Return the logarithm of the mixture: what is kept for later beginnings stays 1."""
        shares = np.array([share_of_onset(k) for k in range(1, len(self.logarithms) + 1)])
        kept = 1.0 - shares.sum()
        return float(special.logsumexp(np.append(self._by_onset(), 0.0), b=np.append(shares, kept)))

    @property
    def onset(self) -> int:
        """Return the index of the week in which drift most likely began."""
        return int(self._by_onset().argmax())

    def _by_onset(self) -> NDArray[np.float64]:
        """Return the logarithm of each beginning's wealth, of one that was put into it."""
        put = np.repeat([0.5 / len(GROWTHS), 0.5 / len(STAKES)], [len(GROWTHS), len(STAKES)])
        return np.asarray(special.logsumexp(self.logarithms, axis=1, b=put))
