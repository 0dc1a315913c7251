"""Score a version on a benchmark, stratum by stratum."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from monitor.errors import InputError
from retrain.intervals import wilson_interval
from retrain.metrics import METRICS

#: Fewer items than this leave an interval too wide to decide much.
RECOMMENDED_ITEMS = 200
_QUOTED = 5

Split = Literal["new", "old"]


class BenchmarkItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question with its expected answer; a line of a benchmark file."""

    id: str
    #: What the model is asked: messages that end with the user's turn.
    messages: tuple[dict[str, str], ...]
    expected: str
    task_type: str = ""
    #: ``new``: what retraining is for. ``old``: what must not be forgotten.
    split: Split = "old"


class Responds(Protocol):
    """Anything that answers conversations, such as :class:`retrain.generation.Responder`."""

    def respond(
        self,
        conversations: Sequence[Sequence[dict[str, str]]],
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Answer each conversation."""
        ...


@dataclass(frozen=True)
class ItemScore:
    """How one item was answered."""

    item: BenchmarkItem
    answer: str
    #: Metric -> value in [0, 1].
    values: dict[str, float]

    @property
    def correct(self) -> bool:
        """Whether the answer is the expected one."""
        return self.values["exact_match"] == 1.0


@dataclass(frozen=True)
class StratumScore:
    """A metric over the items of a stratum, with its 95% interval."""

    #: ``""`` (all), ``split=new`` or ``task_type=...``.
    stratum: str
    metric: str
    value: float
    lower: float
    upper: float
    n: int


def read_benchmark(path: Path) -> list[BenchmarkItem]:
    """Read a benchmark from JSON lines.

    Raises:
        InputError: The file is missing or empty, a line is malformed, or an id comes twice.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such benchmark") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    items, problems = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            item = msgspec.json.decode(line, type=BenchmarkItem)
            _check_question(item)
        except (msgspec.DecodeError, UnicodeDecodeError, InputError) as error:
            problems.append(f"line {number}: {error}")
            continue
        items.append(item)
    if problems:
        raise InputError(f"{path}: {'; '.join(problems[:_QUOTED])}")
    if not items:
        raise InputError(f"{path}: holds no items")
    if len({item.id for item in items}) < len(items):
        raise InputError(f"{path}: an id comes twice; ids pair the answers of two versions")
    return items


def _check_question(item: BenchmarkItem) -> None:
    if not item.messages or item.messages[-1].get("role") != "user":
        raise InputError("the messages don't end with the user's turn")
    if any("role" not in message or "content" not in message for message in item.messages):
        raise InputError('a message without "role" or "content"')


def score_version(
    responder: Responds,
    items: Sequence[BenchmarkItem],
    progress: Callable[[int], None] | None = None,
) -> list[ItemScore]:
    """Ask a version every item and score its answers."""
    answers = responder.respond([list(item.messages) for item in items], progress)
    return [
        ItemScore(
            item,
            answer,
            {name: metric(item.expected, answer) for name, metric in METRICS.items()},
        )
        for item, answer in zip(items, answers, strict=True)
    ]


def summarise(scores: Sequence[ItemScore]) -> list[StratumScore]:
    """Summarise scores over all items, each split and each task type.

    Exact match gets Wilson's interval; graded metrics a normal one of the mean.
    """
    strata: dict[str, list[ItemScore]] = defaultdict(list)
    for score in scores:
        strata[""].append(score)
        strata[f"split={score.item.split}"].append(score)
        if score.item.task_type:
            strata[f"task_type={score.item.task_type}"].append(score)
    return [
        _summary(stratum, metric, [member.values[metric] for member in strata[stratum]])
        for stratum in sorted(strata)
        for metric in METRICS
    ]


def remarks(items: Sequence[BenchmarkItem]) -> list[str]:
    """Return what a reader of the scores should know about the benchmark."""
    if len(items) >= RECOMMENDED_ITEMS:
        return []
    few = (
        f"the benchmark has {len(items)} items; {RECOMMENDED_ITEMS} or more are recommended, "
        "below that only large differences can be told from chance"
    )
    return [few]


def _summary(stratum: str, metric: str, values: list[float]) -> StratumScore:
    n = len(values)
    mean = sum(values) / n
    if all(value in (0.0, 1.0) for value in values):
        lower, upper = wilson_interval(round(sum(values)), n)
    else:
        variance = sum((value - mean) ** 2 for value in values) / max(1, n - 1)
        half = 1.96 * (variance / n) ** 0.5
        lower, upper = max(0.0, mean - half), min(1.0, mean + half)
    return StratumScore(stratum, metric, mean, lower, upper, n)
