"""The labelled sentences of tests/fixtures, and how well something finds what is marked in them."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"

#: Left out inside a marked value; see the head of the fixture.
BREAK = "·"

#: (kind, start, end)
Span = tuple[str, int, int]


@dataclass(frozen=True)
class LabelledText:
    """A sentence and the spans marked by hand."""

    line: int
    text: str
    spans: frozenset[Span]


@dataclass(frozen=True)
class Score:
    """How many of a kind were marked, found, and found exactly as they were marked."""

    kind: str
    n_marked: int
    n_found: int
    n_correct: int

    @property
    def precision(self) -> float:
        """Return the share of what was found that was marked."""
        return self.n_correct / self.n_found if self.n_found else 1.0

    @property
    def recall(self) -> float:
        """Return the share of what was marked that was found."""
        return self.n_correct / self.n_marked if self.n_marked else 1.0


def read_labelled(name: str = "redaction.txt") -> list[LabelledText]:
    """Read a fixture."""
    texts = []
    lines = (FIXTURES / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            continue
        text, spans = "", set()
        for index, part in enumerate(re.split(r"\[\[([A-Z_]+:.*?)\]\]", line)):
            if index % 2:
                kind, _, value = part.partition(":")
                value = value.replace(BREAK, "")
                spans.add((kind, len(text), len(text) + len(value)))
                text += value
            else:
                text += part
        texts.append(LabelledText(number, text, frozenset(spans)))
    return texts


def score(
    texts: Sequence[LabelledText], find: Callable[[str], Iterable[Span]]
) -> tuple[list[Score], list[str]]:
    """Score each kind and all together; also return each mistake in words.

    A span counts as correct only where kind, beginning and end are those that were marked.
    """
    marked: list[tuple[int, Span]] = []
    detected: list[tuple[int, Span]] = []
    mistakes = []
    for text in texts:
        spans = set(find(text.text))
        marked += [(text.line, span) for span in text.spans]
        detected += [(text.line, span) for span in spans]
        for mistake, wrong in (
            ("missed", text.spans - spans),
            ("taken for it", spans - text.spans),
        ):
            mistakes += [
                f"line {text.line}: {mistake}: {kind} {text.text[start:end]!r} in {text.text!r}"
                for kind, start, end in sorted(wrong)
            ]
    correct = set(marked) & set(detected)

    def of(kind: str, spans: Iterable[tuple[int, Span]]) -> int:
        return sum(kind in {"all", span[0]} for _, span in spans)

    kinds = sorted({span[0] for _, span in marked})
    return [
        Score(kind, of(kind, marked), of(kind, detected), of(kind, correct))
        for kind in [*kinds, "all"]
    ], mistakes


#: Kinds of the sets in JSON lines -> kinds of the redactor.
KINDS = {
    "URL_PASSWORD": "API_KEY",
    "PRIVATE_KEY": "API_KEY",
    "CVV": "SECURITY_CODE",
    "PIN": "SECURITY_CODE",
    "TAN": "SECURITY_CODE",
    "UK_ACCOUNT": "BANK_ACCOUNT",
    "US_ACCOUNT": "BANK_ACCOUNT",
    "US_ROUTING": "BANK_ACCOUNT",
    "PASSPORT": "NATIONAL_ID",
    "DRIVING_LICENCE": "NATIONAL_ID",
    "ITIN": "NATIONAL_ID",
}
#: Characters inside a value that may stay.
SEPARATORS = frozenset(" \t\r\n.,/-()\x1e")


@dataclass(frozen=True)
class Coverage:
    """How many values of a kind were covered wholly, and how many redactions touch a value.

    Attributes:
        kind: A kind, or ``all``.
        n_marked: Marked values.
        n_covered: Values no character of which would stay, whatever the kind of the redaction.
        n_redactions: Redactions of the kind.
        n_right: Those that overlap a marked value.
    """

    kind: str
    n_marked: int
    n_covered: int
    n_redactions: int
    n_right: int


def read_json_lines(name: str) -> list[LabelledText]:
    """Read a set in JSON lines: ``text``, and ``spans`` with ``start``, ``end`` and ``kind``."""
    texts = []
    lines = (FIXTURES / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        entry = json.loads(line)
        spans = {
            (_kind(span["kind"]), int(span["start"]), int(span["end"])) for span in entry["spans"]
        }
        texts.append(LabelledText(number, entry["text"], frozenset(spans)))
    return texts


def read_roles(name: str) -> dict[str, list[str]]:
    """Read the roles of the turns of a set in JSON lines, by text; U+001E is between turns."""
    lines = (FIXTURES / name).read_text(encoding="utf-8").splitlines()
    return {entry["text"]: entry["roles"] for entry in map(json.loads, lines)}


def _kind(name: str) -> str:
    return KINDS.get(name, name.partition(":")[0])


def measure_coverage(
    texts: Sequence[LabelledText], find: Callable[[str], Iterable[Span]]
) -> list[Coverage]:
    """Return what is covered, by kind and over all kinds, which come last."""
    counts: dict[str, list[int]] = {}

    def add(kind: str, place: int, n: int) -> None:
        for name in (kind, "all"):
            counts.setdefault(name, [0, 0, 0, 0])[place] += n

    for text in texts:
        redactions = list(find(text.text))
        covered = {place for _, start, end in redactions for place in range(start, end)}
        for kind, start, end in text.spans:
            places = (at for at in range(start, end) if text.text[at] not in SEPARATORS)
            add(kind, 0, 1)
            add(kind, 1, covered.issuperset(places))
        for kind, start, end in redactions:
            add(kind, 2, 1)
            add(kind, 3, any(first < end and start < last for _, first, last in text.spans))
    kinds = sorted(set(counts) - {"all"})
    return [Coverage(kind, *counts[kind]) for kind in [*kinds, "all"]]
