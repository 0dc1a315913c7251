"""Delimited parts of a judge's prompt."""

import hashlib
from collections.abc import Mapping

from retrain.data.benchmarks.item import BenchmarkItem


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
