"""Groups of a benchmark's items, read from the items before any response is seen."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from monitor.descriptors import identify_language
from monitor.descriptors.stop_words import WORDS
from retrain.data.benchmarks.copies import without_template
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.example import normalised
from retrain.data.leakage.canonical_text import words_of
from retrain.data.similarity import SentenceEncoder

#: Least members of a group.
MIN_MEMBERS = 3
#: Shares of the items with the lowest and the highest values of a number.
SHARES = (0.05, 0.1, 0.2, 1 / 3)
#: Items of a topic, and items among which topics are searched.
MIN_TOPIC, MAX_TOPIC, MAX_COMPARED = 6, 60, 5_000
#: Words that name a topic, and characters of a value that a name has.
N_NAMING, MAX_NAMED = 3, 40

_STOPPED = frozenset(word for words in WORDS.values() for word in words.split())
_CODE = re.compile(r"```|[;{}]\s*$|</?\w+>|\w\(\w*\)|[=!]=|=>|->", re.MULTILINE)

#: Name of a group -> the ids of its items.
Groups = dict[str, frozenset[str]]


def find_groups(items: Sequence[BenchmarkItem], encoder: SentenceEncoder | None = None) -> Groups:
    """Return groups of items by their fields, prompts and reference answers.

    The groups are values of fields, system prompts, reference answers, languages, scripts and forms
    of the prompt, the shortest and longest texts and, with an encoder, topics of the prompts.
    """
    prompts = [item.messages[-1]["content"] for item in items]
    columns = {
        **{field: [item.stratum_of(field) for item in items] for field in _fields(items)},
        **{name: [read(prompt) for prompt in prompts] for name, read in _FORMS.items()},
        "earlier turns": [_has(len(item.messages) > 1 + bool(_system(item))) for item in items],
        "system prompt": [_system(item) for item in items],
        "reference answer": [normalised(item.expected or "") for item in items],
    }
    numbers = {
        "prompt's length": [float(len(prompt)) for prompt in prompts],
        "input's length": [float(len(item.source)) for item in items],
        "reference answer's length": [float(len(item.expected or "")) for item in items],
    }
    matches = {
        name: rows for field, values in columns.items() for name, rows in by_value(field, values)
    }
    matches |= {
        name: rows for field, values in numbers.items() for name, rows in by_rank(field, values)
    }
    if encoder is not None:
        texts = without_template(items)
        matches |= dict(_topics(texts, encoder.encode(texts)))
    groups: Groups = {}
    for name, rows in matches.items():
        members = frozenset(items[row].id for row in rows)
        if MIN_MEMBERS <= len(members) < len(items) and members not in groups.values():
            groups[name] = members
    return groups


def by_value(field: str, values: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """Yield the rows of each value but the empty one, named ``field=value``."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        rows[value].append(row)
    for value in sorted(rows):
        if value:
            yield f"{field}={value[:MAX_NAMED]}", rows[value]


def by_rank(field: str, values: Sequence[float]) -> Iterator[tuple[str, list[int]]]:
    """Yield the rows with the lowest and with the highest values, for each share of the rows."""
    column = np.asarray(values)
    ordered = np.sort(column)
    for share in SHARES:
        n = ceil(share * len(ordered))
        yield f"{field}=lowest {share:.0%}", np.flatnonzero(column <= ordered[n - 1]).tolist()
        yield f"{field}=highest {share:.0%}", np.flatnonzero(column >= ordered[-n]).tolist()


def _fields(items: Sequence[BenchmarkItem]) -> Mapping[str, None]:
    return dict.fromkeys(field for item in items for field in item.all_strata)


def _system(item: BenchmarkItem) -> str:
    return normalised(" ".join(m["content"] for m in item.messages if m["role"] == "system"))


def _has(is_so: bool | re.Match[str] | None) -> str:
    return "yes" if is_so else "no"


def _script(text: str) -> str:
    """Return the most frequent script of a text, such as ``cyrillic``."""
    names = (unicodedata.name(char, "").partition(" ")[0] for char in text if char.isalpha())
    counts = Counter(names)
    return counts.most_common(1)[0][0].casefold() if counts else ""


_FORMS: dict[str, Callable[[str], str]] = {
    "prompt's language": identify_language,
    "prompt's script": _script,
    "code in the prompt": lambda prompt: _has(_CODE.search(prompt)),
    "numbers in the prompt": lambda prompt: _has(any(map(str.isdigit, prompt))),
    "question in the prompt": lambda prompt: _has(re.search("[?؟？]", prompt)),  # noqa: RUF001
    "several lines in the prompt": lambda prompt: _has("\n" in prompt.strip()),
}


def _topics(texts: Sequence[str], vectors: NDArray[np.float32]) -> Iterator[tuple[str, list[int]]]:
    """Yield the rows of each topic, at every scale, named by the words that set it apart."""
    words = [set(words_of(text)) - _STOPPED for text in texts]
    counts = Counter(word for own in words for word in own)
    members = {row: [row] for row in range(min(len(texts), MAX_COMPARED))}
    tree = linkage(vectors[:MAX_COMPARED].astype(np.float64), "ward")
    for number, (first, second) in enumerate(tree[:, :2].astype(int).tolist(), len(members)):
        members[number] = rows = members.pop(first) + members.pop(second)
        if MIN_TOPIC <= len(rows) <= MAX_TOPIC:
            own = Counter(word for row in rows for word in words[row])
            apart = sorted(own, key=lambda w: (counts[w] / len(texts) - own[w] / len(rows), w))
            yield f"topic {number}={', '.join(apart[:N_NAMING])}", rows
