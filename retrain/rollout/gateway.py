"""The traffic gateway interface."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Weights:
    """The shares of a model's traffic.

    Attributes:
        model: The model.
        stable: Number of the stable version.
        canary: Number of the canary version, if any.
        canary_percent: Share of the canary, 0 to 100.
    """

    model: str
    stable: int
    canary: int | None
    canary_percent: int


class Gateway(Protocol):
    """A traffic gateway: splits each model's traffic between two versions."""

    def set_weights(self, weights: Sequence[Weights]) -> None:
        """Apply the weights of all models. Idempotent.

        Raises:
            TransientError: The gateway is unavailable.
        """
        ...


class RecordOnlyGateway:
    """A gateway that does nothing: the inference server reads the weights from the database."""

    def set_weights(self, weights: Sequence[Weights]) -> None:
        """Do nothing: the database row holds the weights."""
