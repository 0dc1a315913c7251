"""Signs in a prompt that no reader sees, as hints at the reference answer.

A system that knows only the signs gives the most frequent reference answer of the other items with
the same signs.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.leakage.canonical_text import latin
from retrain.evaluation.trivial.constants import of_same_key

_SPACES = re.compile(r"^\s+|\s+$|[^\S ]|\s{2,}")
#: Characters without a glyph that aren't of the category of formats, such as variation selectors.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")

#: The signs of a text: place -> characters.
Signs = dict[int, str]


def signed_responses(items: Sequence[BenchmarkItem]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the responses of each rule, empty where an item has no sign."""
    texts = [item.messages[-1]["content"] for item in items]
    for kind, read in _KINDS.items():
        signs = [read(text) for text in texts]
        if not any(signs):
            continue
        keys = {
            kind: ["".join(own.values()) for own in signs],
            f"number of {kind}": [str(sum(map(len, own.values())) or "") for own in signs],
            f"place of {kind}": [str(min(own, default="")) for own in signs],
            f"place of {kind} from the end": [
                str(len(text) - max(own)) if own else ""
                for own, text in zip(signs, texts, strict=True)
            ],
        }
        for name, values in keys.items():
            yield f"reference answer of the same {name}", of_same_key(items, values)


def _invisible(text: str) -> Signs:
    return {
        place: char
        for place, char in enumerate(text)
        if unicodedata.category(char) == "Cf" or _BLANK.match(char)
    }


def _spaces(text: str) -> Signs:
    return {match.start(): match.group() for match in _SPACES.finditer(text)}


def _lookalikes(text: str) -> Signs:
    """Return the characters in another form, and those of other scripts in Latin words."""
    signs = {}
    for match in re.finditer(r"\w+", text):
        word = match.group()
        simple = latin(word.lower())
        for place, char in enumerate(word):
            if char != unicodedata.normalize("NFKC", char) or char.lower() != simple[place]:
                signs[match.start() + place] = char
    return signs


_KINDS: dict[str, Callable[[str], Signs]] = {
    "invisible characters": _invisible,
    "spaces": _spaces,
    "lookalikes": _lookalikes,
}
