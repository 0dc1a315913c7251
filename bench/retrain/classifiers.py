"""Accuracy of the rules of refusals and abstentions on labelled files.

``python -m bench.retrain.classifiers FILE...`` prints the accuracy by kind and language. A row has
``language``, ``kind``, ``prompt``, ``response``, ``refusal``; or ``language``, ``kind``,
``context``, ``question``, ``response``, ``claims`` (``supported``, ``unsupported`` or ``none``).
Other fields are not read. Rows with ``held_out: false`` were read when the rules were written.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table

from monitor.bench.row import Row
from monitor.descriptors import refusal
from monitor.descriptors.refusals.rule import is_refusal
from monitor.errors import InputError
from monitor.input_files import open_source
from monitor.statistics.intervals import clopper_pearson
from retrain.evaluation.metrics.abstention import abstained
from retrain.json_lines import parse_source

LABELLED = Path(__file__).parent / "labelled"
#: What a labelled row has, for messages.
FIELDS = (
    "a row has `language`, `kind` and `response`, with `prompt` and `refusal` (true or false), or "
    "with `context`, `question` and `claims` (`supported`, `unsupported` or `none`)"
)


class LabelledRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """A response and whether it refuses."""

    language: str
    kind: str
    prompt: str
    response: str
    refusal: bool
    held_out: bool = True


class LabelledClaims(msgspec.Struct, frozen=True, kw_only=True):
    """A response and whether its context supports its claims; ``none``: it abstains."""

    language: str
    kind: str
    context: str
    question: str
    response: str
    claims: Literal["supported", "unsupported", "none"]
    held_out: bool = True


@dataclass(frozen=True)
class Judgement:
    """A labelled response and what the rule says of it."""

    language: str
    kind: str
    #: Whether the response has what the rule looks for.
    positive: bool
    declared: bool
    held_out: bool

    @property
    def right(self) -> bool:
        """Whether rule and label agree."""
        return self.positive == self.declared


def judge_refusals(path: Path, *, alone: bool = False) -> list[Judgement]:
    """Apply the rule of refusals to a file's rows that are labelled for it.

    Args:
        path: The file.
        alone: Read the beginning of a response without its prompt, as windows and rollouts do.
    """
    return [
        Judgement(
            row.language,
            row.kind,
            row.refusal,
            bool(refusal(row.response)) if alone else is_refusal(row.prompt, row.response),
            row.held_out,
        )
        for row in read_labelled(path)
        if isinstance(row, LabelledRefusal)
    ]


def judge_abstentions(path: Path) -> list[Judgement]:
    """Apply the rule of abstentions to a file's rows that are labelled with claims."""
    rows = [row for row in read_labelled(path) if isinstance(row, LabelledClaims)]
    return [
        Judgement(
            row.language,
            row.kind,
            row.claims == "none",
            abstained(row.question, row.response),
            row.held_out,
        )
        for row in rows
    ]


def judge_file(path: Path, *, alone: bool = False) -> list[Judgement]:
    """Apply to each row the rule that it has a label for."""
    return [*judge_refusals(path, alone=alone), *judge_abstentions(path)]


def read_labelled(path: Path) -> list[LabelledRefusal | LabelledClaims]:
    """Read a labelled file.

    Raises:
        InputError: It can't be read, has no rows, or a row lacks a field; the message says what a
            row has.
    """
    try:
        rows = parse_source(open_source(path), _labelled)
    except InputError as error:
        raise InputError(f"{error}\n{FIELDS}") from None
    if not rows:
        raise InputError(f"{path}: no rows\n{FIELDS}")
    return rows


def _labelled(value: bytes) -> LabelledRefusal | LabelledClaims:
    row = msgspec.json.decode(value)
    if isinstance(row, dict) and "claims" in row:
        return msgspec.convert(row, LabelledClaims)
    return msgspec.convert(row, LabelledRefusal)


def share(judgements: Sequence[Judgement]) -> tuple[int, int, float, float]:
    """Return how many are right, of how many, and the exact 95% interval."""
    right, n = sum(entry.right for entry in judgements), len(judgements)
    return right, n, *clopper_pearson(right, n, 0.025)


def table(name: str, judgements: Sequence[Judgement]) -> Table:
    """Return the accuracy by kind and language."""
    grid = Table(title=name)
    for heading in ("rows", "right", "of", "share", "95% interval"):
        grid.add_column(heading)
    groups: dict[str, list[Judgement]] = {}
    for entry in judgements:
        side = "positive" if entry.positive else "negative"
        for group in (f"all {side}", entry.kind, f"{entry.language}, {side}"):
            groups.setdefault(group, []).append(entry)
    for group, entries in sorted(groups.items()):
        right, n, lower, upper = share(entries)
        grid.add_row(group, str(right), str(n), f"{right / n:.1%}", f"{lower:.1%} to {upper:.1%}")
    return grid


def classifier_rows(area: str) -> Iterator[Row]:
    """Yield the accuracy on the labelled rows that were not read when the rules were written."""
    refusals = [entry for entry in judge_refusals(LABELLED / "refusals.jsonl") if entry.held_out]
    complied = [entry for entry in refusals if entry.kind == "refuse_then_comply"]
    yield _row(area, "refusals recognised", [e for e in refusals if e.positive], 0.99)
    yield _row(area, "refusing and then complying, not taken for a refusal", complied, 0.95)
    benign = [e for e in refusals if not e.positive and e not in complied]
    yield _row(area, "benign responses, not taken for a refusal", benign, 0.99)
    stated = [e for e in judge_file(LABELLED / "grounding.jsonl") if e.held_out]
    yield _row(area, "abstentions recognised", [e for e in stated if e.positive], 0.90)
    claiming = [e for e in stated if not e.positive]
    yield _row(area, "claims, not taken for abstentions", claiming, 0.98)


def _row(area: str, name: str, judgements: Sequence[Judgement], goal: float) -> Row:
    right, n, lower, upper = share(judgements)
    against = f"{right} of {n} held-out rows, 95% interval {lower:.3g} to {upper:.3g}"
    return Row(area, name, right / n, "", f">= {goal:g}", right / n >= goal, against)


def main() -> None:
    """Print the accuracy on each file."""
    parser = argparse.ArgumentParser(prog="python -m bench.retrain.classifiers")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--held-out", action="store_true", help="omit rows with held_out: false")
    parser.add_argument(
        "--alone", action="store_true", help="read the beginning without the prompt, as drift does"
    )
    arguments = parser.parse_args()
    console = Console()
    for path in arguments.files or sorted(LABELLED.glob("*.jsonl")):
        try:
            judgements = judge_file(path, alone=arguments.alone)
        except InputError as error:
            parser.error(str(error))
        if arguments.held_out:
            judgements = [entry for entry in judgements if entry.held_out]
        console.print(table(path.name, judgements))


if __name__ == "__main__":
    main()
