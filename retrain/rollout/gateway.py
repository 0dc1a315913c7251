"""The traffic gateway interface."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Weights:
    """The shares of a model's traffic.

    Attributes:
        model: The model.
        stable: Number of the version that serves.
        canary: Number of the version being rolled out, if any.
        canary_percent: Its share, 0 to 100.
    """

    model: str
    stable: int
    canary: int | None
    canary_percent: int


class Gateway(Protocol):
    """Shares each model's traffic between two versions."""

    def set_weights(self, weights: Sequence[Weights]) -> None:
        """Bring the gateway to the weights of all models; repeating it changes nothing.

        Raises:
            TransientError: The gateway can't be reached for now.
        """
        ...


class RecordOnlyGateway:
    """No gateway: the serving side reads the weights from the database."""

    def set_weights(self, weights: Sequence[Weights]) -> None:
        """Do nothing; the row is the record."""
