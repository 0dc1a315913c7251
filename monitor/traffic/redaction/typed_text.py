"""Redaction of what staff type: the same redactor as for the traffic, and what it replaced."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.plurals import pluralize
from monitor.traffic.redaction.redactor import Redactor


@dataclass(frozen=True)
class Replacement:
    """A field in which personal data was replaced."""

    #: Its name; of a nested one, all names on the way to it: ``ratings.1.comment``.
    field: str
    #: Kind -> number of places.
    kinds: Mapping[str, int]
    #: The text as it is stored.
    stored: str

    def as_json(self) -> dict[str, Any]:
        """Return the replacement as the API shows it."""
        return {"field": self.field, "kinds": dict(self.kinds), "stored": self.stored}


def redact_typed(
    value: Any, redactor: Redactor, *, unread: Collection[str] = (), field: str = ""
) -> tuple[Any, list[Replacement]]:
    """Return a value as it is to be stored, and what was replaced in it.

    All texts of a document, as JSON has it, are read, and names of fields. Fields in ``unread`` are
    no texts, such as a password.
    """
    if isinstance(value, str):
        return redact_text(value, redactor, field)
    below = f"{field}." if field else ""
    replacements: list[Replacement] = []
    if isinstance(value, Mapping):
        clean = {}
        for key, content in value.items():
            if not field and key in unread:
                clean[key] = content
                continue
            name, in_name = redact_text(str(key), redactor, f"{below}(name)")
            clean[name], in_content = redact_typed(content, redactor, field=f"{below}{name}")
            replacements += in_name + in_content
        return clean, replacements
    if isinstance(value, list):
        items = [
            redact_typed(content, redactor, field=f"{below}{number}")
            for number, content in enumerate(value, start=1)
        ]
        return [item for item, _ in items], [entry for _, part in items for entry in part]
    return value, []


def redact_text(text: str, redactor: Redactor, field: str) -> tuple[str, list[Replacement]]:
    """Return a text as it is to be stored, and what was replaced in it."""
    spans = redactor.find(text)
    if not spans:
        return text, []
    stored = redactor.redact(text)
    return stored, [Replacement(field, Counter(span.kind for span in spans), stored)]


def count_kinds(replacements: Collection[Replacement]) -> Counter[str]:
    """Return the number of replaced places by kind."""
    total: Counter[str] = Counter()
    for replacement in replacements:
        total.update(replacement.kinds)
    return total


def describe_kinds(kinds: Mapping[str, int]) -> str:
    """Return what was replaced in words: ``2 x [EMAIL], 1 x [PHONE]``."""
    return ", ".join(f"{n} x [{kind}]" for kind, n in sorted(kinds.items()))


def describe_replacement(replacement: Replacement) -> str:
    """Return a sentence for whoever typed the text."""
    n = sum(replacement.kinds.values())
    return (
        f"{replacement.field}: {pluralize(n, 'place')} replaced "
        f"({describe_kinds(replacement.kinds)}); stored as: {replacement.stored}"
    )
