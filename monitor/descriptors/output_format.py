"""Output formats learned from responses: JSON, a closed set of labels, or fenced code.

A format is learned from responses that count as right, and checked on others. It is learned where
at least :data:`FORMAT_SHARE` of the responses have it, so that a task of mixed formats has none, as
has free text.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

#: Fewer responses are too few to learn a format.
MIN_RESPONSES = 50
#: Share of the responses that must have the format.
FORMAT_SHARE = 0.9
#: Share of the JSON objects that must have a key for it to be required.
KEY_SHARE = 0.95
#: A label has at most so many characters, on one line.
MAX_LABEL_LENGTH = 80
#: Labels are a closed set where the next response is a new one with at most this probability,
#: estimated by the share of labels that occurred once (Good, Biometrika 1953).
MAX_UNSEEN_SHARE = 0.01

_FENCE = "```"
_FENCES = re.compile(r"^[ \t]*```", re.MULTILINE)
_OPENING = re.compile(r"```[\w+#.-]*")
_LIKE_JSON = re.compile(r"\s*(?:```(?:json)?\s*)?[{\[]")


class OutputFormat(Protocol):
    """A format that the responses of a task must have; the guidelines may declare one."""

    def admits(self, response: str) -> bool:
        """Return whether a response has this format."""
        ...


@dataclass(frozen=True)
class Json:
    """A JSON document, with or without a code fence around it."""

    #: Required keys of the object; ``None`` admits any document.
    keys: frozenset[str] | None

    def admits(self, response: str) -> bool:
        """Return whether the response is JSON and has the required keys."""
        document = parse_json(response)
        if document is msgspec.UNSET:
            return False
        return self.keys is None or (isinstance(document, dict) and self.keys <= document.keys())


@dataclass(frozen=True)
class Label:
    """A closed set of labels, compared without case and surrounding space."""

    labels: frozenset[str]

    def admits(self, response: str) -> bool:
        """Return whether the response is one of the labels."""
        return _label(response) in self.labels


@dataclass(frozen=True)
class FencedCode:
    """A text with at least one fenced code block, all of them closed."""

    def admits(self, response: str) -> bool:
        """Return whether the response has code fences, all in pairs."""
        return _has_closed_fences(response)


def learn_format(responses: Sequence[str]) -> OutputFormat | None:
    """Return the format of most responses; ``None`` for free text and for too few responses.

    Check *other* responses by it: those that it was learned from fit it better than new ones.

    Example:
        >>> learn_format(["yes", "no", "No"] * 30).admits("maybe")
        False
    """
    responses = [response for response in responses if response.strip()]
    if len(responses) < MIN_RESPONSES:
        return None
    needed = FORMAT_SHARE * len(responses)
    if sum(_LIKE_JSON.match(response) is not None for response in responses) >= needed:
        return _learn_json(responses)
    if sum(map(_has_closed_fences, responses)) >= needed:
        return FencedCode()
    return _learn_labels(responses)


def _learn_json(responses: Sequence[str]) -> Json | None:
    documents = [
        document
        for response in responses
        if (document := parse_json(response)) is not msgspec.UNSET
    ]
    if len(documents) < FORMAT_SHARE * len(responses):
        return None
    objects = [document for document in documents if isinstance(document, dict)]
    if len(objects) < FORMAT_SHARE * len(documents):
        return Json(keys=None)
    counts = Counter(key for document in objects for key in document)
    keys = (key for key, count in counts.items() if count >= KEY_SHARE * len(objects))
    return Json(keys=frozenset(keys))


def _learn_labels(responses: Sequence[str]) -> Label | None:
    counts = Counter(_label(response) for response in responses if _is_short(response))
    seen_once = sum(count == 1 for count in counts.values())
    if sum(counts.values()) < FORMAT_SHARE * len(responses) or seen_once > MAX_UNSEEN_SHARE * len(
        responses
    ):
        return None
    return Label(frozenset(counts))


def parse_json(response: str) -> Any:
    """Return the JSON document of a response, without a fence around it; ``UNSET`` for none.

    An object with a repeated key is none: readers differ in which of its values counts.
    """
    text = response.strip()
    opening = _OPENING.match(text)
    if opening and text.endswith(_FENCE) and len(text) >= opening.end() + len(_FENCE):
        text = text[opening.end() : -len(_FENCE)]
    try:
        document = msgspec.json.decode(text.encode("utf-8", "replace"))
        if isinstance(document, dict | list):
            json.loads(text, object_pairs_hook=_require_unique)
    except (ValueError, RecursionError):
        return msgspec.UNSET
    return document


def _require_unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("repeated key")


def _has_closed_fences(response: str) -> bool:
    n_fences = len(_FENCES.findall(response))
    return n_fences > 0 and n_fences % 2 == 0


def _is_short(response: str) -> bool:
    stripped = response.strip()
    return len(stripped) <= MAX_LABEL_LENGTH and "\n" not in stripped


def _label(response: str) -> str:
    return " ".join(response.split()).casefold()
