"""Interface of judges, and the parts of their prompts, between markers that no part can contain."""

import hashlib
from collections.abc import Mapping
from typing import Protocol

from retrain.data.benchmarks.item import BenchmarkItem


class JudgeModel(Protocol):
    """A model that replies to a prompt.

    For example :class:`retrain.evaluation.judge.chat_client.ChatClient`.
    """

    def ask(self, system: str, question: str) -> str:
        """Return the reply, or raise :class:`monitor.errors.JudgeError`."""


def conversation(item: BenchmarkItem) -> str:
    """Format the messages as lines."""
    return "\n".join(f"{message['role']}: {message['content']}" for message in item.messages)


def optional_parts(item: BenchmarkItem) -> dict[str, str]:
    """Return the optional parts of an item."""
    parts = {"CONTEXT": item.context, "EXPECTED ANSWER": item.expected or ""}
    return {name: text for name, text in parts.items() if text}


def marked(parts: Mapping[str, str]) -> str:
    """Put each part between markers.

    The markers contain a digest of all parts, so that a response can't forge an end marker.
    """
    digest = hashlib.sha256("\0".join(parts.values()).encode("utf-8", "replace")).hexdigest()[:12]
    return "\n\n".join(
        f"<<{name} {digest}>>\n{text}\n<<END {name} {digest}>>" for name, text in parts.items()
    )
