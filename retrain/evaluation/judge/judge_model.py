"""What a judge is to those who use one."""

from typing import Protocol


class JudgeModel(Protocol):
    """Anything that answers a question, such as :class:`retrain.evaluation.judge.chat_client.ChatClient`."""

    def ask(self, system: str, question: str) -> str:
        """Return the answer, or raise :class:`monitor.errors.JudgeError`."""
        ...
