"""Interface of judges."""

from typing import Protocol


class JudgeModel(Protocol):
    """A model that replies to a prompt.

    For example :class:`retrain.evaluation.judge.chat_client.ChatClient`.
    """

    def ask(self, system: str, question: str) -> str:
        """Return the reply, or raise :class:`monitor.errors.JudgeError`."""
        ...
