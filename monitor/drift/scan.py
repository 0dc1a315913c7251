r"""Dense new topics: the average likelihood ratio of "more current nodes here" over all places.

A place is a node with its k nearest, for two sizes k. With c current nodes among these :math:`n =
k + 1` and the share p of current nodes in all, the likelihood ratio against random labels is
:math:`(c / np)^c \, ((n - c) / n (1 - p))^{n - c}` where c exceeds np, else 1 (Kulldorff, Commun.
Stat. 1997, section 3). Its *mean* over the places finds a small topic better than its maximum does,
which pays for looking everywhere (Chan & Walther, "Detection with the scan and the average
likelihood ratio", Stat. Sinica 2013).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monitor.drift.graph import Graph

if TYPE_CHECKING:
    import torch

#: Neighbours that make a place, beside the node itself.
PLACE_SIZES = (12, 20)


@dataclass(frozen=True)
class Scan:
    """The statistic for any labelling of the bins."""

    #: int64 ``[G, k]``: the nearest nodes of each node; G where there are fewer.
    near: NDArray[np.int64]
    #: int64 ``[G]``.
    node_bin: NDArray[np.int64]
    #: Share of the nodes that are current.
    share_current: float

    names = ("scan",)
    family = "dense"

    def evaluate(self, called_current: "torch.Tensor") -> NDArray[np.float64]:
        """Return the mean likelihood ratio, float64 ``[b, 1]``.

        Args:
            called_current: bool ``[b, T]``: which bins each labelling calls current.
        """
        return np.asarray(self._ratios(called_current).mean(dim=0).double().cpu().numpy())[:, None]

    def true_scores(
        self, is_current: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return each node's likelihood ratio, ``[1, G]``, and that the mean is over all, ``[G]``.

        Args:
            is_current: bool ``[T]``: the true labels.
        """
        import torch  # noqa: PLC0415

        ratios = self._ratios(torch.from_numpy(is_current[None]))
        return ratios.double().numpy().T, np.ones(len(self.node_bin), dtype=np.bool_)

    def _ratios(self, called_current: "torch.Tensor") -> "torch.Tensor":
        """Return the ratio of each node's place, ``[G, b]``, the mean over the sizes."""
        import torch  # noqa: PLC0415

        device = called_current.device
        node_bin = torch.from_numpy(self.node_bin).to(device)
        current = called_current.T[node_bin].to(torch.uint8)  # [G, b]
        # Where there is no neighbour stands a reference node.
        current = torch.cat([current, torch.zeros_like(current[:1])])
        near = torch.from_numpy(self.near).to(device)
        count = current[:-1].clone()
        ratios = torch.zeros(count.shape, dtype=torch.float64, device=device)
        taken = 0
        for size in PLACE_SIZES:
            for rank in range(taken, min(size, near.shape[1])):
                count += current[near[:, rank]]
            taken = size
            table = likelihood_ratios(size + 1, self.share_current) / len(PLACE_SIZES)
            ratios += torch.from_numpy(table).to(device)[count.int()]
        return ratios


def make_scan(graph: Graph, node_bin: NDArray[np.int64], share_current: float) -> Scan:
    """Prepare the scan of a graph; see :class:`Scan` for the arguments."""
    index = graph.found.index
    return Scan(np.where(index < 0, len(index), index), node_bin, share_current)


def likelihood_ratios(n: int, share_current: float) -> NDArray[np.float64]:
    """Return the likelihood ratio of each count from 0 to n, float64 ``[n + 1]``.

    Args:
        n: Nodes in a place.
        share_current: Of all nodes, between 0 and 1.

    Example:
        >>> likelihood_ratios(2, 0.5).round(9).tolist()
        [1.0, 1.0, 4.0]
    """
    count = np.arange(n + 1.0)
    expected = n * share_current
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(count > 0, count * np.log(count / expected), 0.0)
        outside = np.where(count < n, (n - count) * np.log((n - count) / (n - expected)), 0.0)
    return np.asarray(np.exp(np.where(count > expected, inside + outside, 0.0)))
