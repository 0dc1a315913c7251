"""Response of a model, with the probability that the model gave it."""

from typing import Self


class Response(str):
    """A response's text; ``log_probability`` is ``None`` where the system doesn't report it."""

    __slots__ = ("log_probability",)
    log_probability: float | None

    def __new__(cls, text: str, log_probability: float | None = None) -> Self:
        """Return a text with the natural logarithm of its probability."""
        response = super().__new__(cls, text)
        response.log_probability = log_probability
        return response


def log_probability_of(response: str) -> float | None:
    """Return the logarithm of a response's probability, where it is known."""
    return response.log_probability if isinstance(response, Response) else None
