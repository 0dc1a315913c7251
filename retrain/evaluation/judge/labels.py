"""Labelled responses of a site, on which the error of a judge is measured."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from monitor.errors import InputError
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.measured_error import MeasuredError
from retrain.json_lines import parse_lines

#: Fewest labelled responses of either kind on which a judge's error is measured.
MIN_LABELS = 30

#: A response -> 1 with what the judge looks for, 0 without, NaN after a failure.
Judgement = Callable[[BenchmarkItem, str], float]


class LabelledResponse(msgspec.Struct, frozen=True):
    """A response with its label; other fields of its line are ignored."""

    response: str
    prompt: str = ""
    context: str = ""
    question: str = ""
    #: Whether the response as a whole refuses; ``None``: not labelled.
    refusal: bool | None = None
    #: ``supported``, ``unsupported`` or ``none``; empty: not labelled.
    claims: str = ""

    @property
    def item(self) -> BenchmarkItem:
        """The prompt as a benchmark item."""
        message = {"role": "user", "content": self.prompt or self.question}
        return BenchmarkItem(id="label", messages=(message,), context=self.context)


@dataclass
class JudgeLabels:
    """Labelled responses, and the errors measured on them."""

    rows: Sequence[LabelledResponse] = ()
    _errors: dict[str, MeasuredError | None] = field(default_factory=dict)
    #: (context, question, response) -> whether it is labelled as unsupported.
    _unsupported: dict[tuple[str, str, str], bool] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Index the labels of claims; of contradictory ones "unsupported" counts."""
        for row in self.rows:
            if row.claims:
                key = row.context, row.prompt or row.question, row.response
                unsupported = self._unsupported.get(key, False) or row.claims == "unsupported"
                self._unsupported[key] = unsupported

    @classmethod
    def parse(cls, content: bytes, origin: str) -> "JudgeLabels":
        """Parse JSON lines, as of ``bench/retrain/labelled``; a repeated one counts once.

        Raises:
            InputError: A line is invalid, or has no label.
        """
        return cls(tuple(dict.fromkeys(parse_lines(content, origin, _row))))

    @property
    def has_claims(self) -> bool:
        """Whether the claims of a response are labelled."""
        return bool(self._unsupported)

    def is_unsupported(self, item: BenchmarkItem, response: str) -> bool | None:
        """Return whether a label says "unsupported" of this very response; ``None``: no label."""
        question = item.messages[-1]["content"] if item.messages else ""
        return self._unsupported.get((item.context, question, response))

    def refusal_error(self, judge: Judgement, concurrency: int) -> MeasuredError | None:
        """Measure a judge of refusals; ``None`` with too few labels."""
        labels = [(row, row.refusal) for row in self.rows if row.refusal is not None]
        return self._error("refusal", labels, judge, concurrency)

    def claims_error(self, judge: Judgement, concurrency: int) -> MeasuredError | None:
        """Measure a judge of unsupported claims; ``None`` with too few labels."""
        labels = [(row, row.claims == "unsupported") for row in self.rows if row.claims]
        return self._error("claims", labels, judge, concurrency)

    def _error(
        self,
        name: str,
        labels: list[tuple[LabelledResponse, bool]],
        judge: Judgement,
        concurrency: int,
    ) -> MeasuredError | None:
        if name not in self._errors:
            n_positive = sum(positive for _, positive in labels)
            if min(n_positive, len(labels) - n_positive) < MIN_LABELS:
                self._errors[name] = None
            else:
                with ThreadPoolExecutor(max_workers=concurrency) as pool:
                    values = pool.map(lambda pair: judge(pair[0].item, pair[0].response), labels)
                    judgements = np.array(list(values))
                positive = np.array([label for _, label in labels])
                # A failure agrees with nobody.
                self._errors[name] = MeasuredError(
                    (int((judgements[positive] == 1).sum()), int(positive.sum())),
                    (int((judgements[~positive] == 0).sum()), int((~positive).sum())),
                )
        return self._errors[name]


def read_labels(place: str) -> JudgeLabels:
    """Read the labelled responses of ``retrain.judge.labels``; none where it is empty.

    Raises:
        InputError: There is no such file or address, or a line is invalid.
    """
    return JudgeLabels.parse(read_dataset(place, Path()), place) if place else JudgeLabels()


def _row(line: bytes) -> LabelledResponse:
    row = msgspec.json.decode(line, type=LabelledResponse)
    if row.refusal is None and row.claims not in ("supported", "unsupported", "none"):
        raise InputError('no label; add "refusal", or "claims": supported, unsupported or none')
    return row
