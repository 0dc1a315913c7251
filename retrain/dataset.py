"""The training set: gold examples joined with a replay of the original training data."""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from monitor.errors import InputError, TrainingError
from retrain.run_folder import RunFolder, canonical, write_json, write_lines

Row = dict[str, Any]

#: Fewer gold examples than this teach little but noise.
MINIMUM_GOLD = 20
#: How many contradictions an error quotes.
QUOTED = 5


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a training set is made of."""

    #: ``sha256:...`` over the rows as they are written.
    digest: str
    n_examples: int
    n_gold: int
    n_replay: int
    replay_share: float
    by_task_type: dict[str, int]
    by_source: dict[str, int]
    #: Reason -> how many rows were left out for it.
    dropped: dict[str, int]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingSet:
    """Rows in the order they are written, and their card."""

    rows: list[Row]
    card: Card

    def write(self, folder: RunFolder) -> None:
        """Write ``train.jsonl`` and ``dataset.json`` into a run's folder."""
        write_json(folder.card, msgspec.to_builtins(self.card))
        # Last: where it stands, everything does.
        write_lines(folder.training_data, self.rows)


def build_training_set(
    gold: Iterable[Row],
    original: Iterable[Row],
    *,
    replay_share: float,
    seed: int,
    minimum_gold: int = MINIMUM_GOLD,
) -> TrainingSet:
    """Join gold examples with replayed original ones.

    The original rows are drawn by task type, as evenly as they allow, and never one whose prompt
    the experts have answered anew. What an expert says wins over what the model once learned.

    Args:
        gold: ``{"messages": [...], "metadata": {...}}`` from the experts.
        original: Rows of the same form that the previous version was trained on.
        replay_share: Share of the whole set that is replayed.
        seed: Decides which rows are replayed and the order of all.
        minimum_gold: Fewer gold examples are refused.

    Raises:
        TrainingError: There is too little gold, it contradicts itself, or nothing to replay.
    """
    dropped: Counter[str] = Counter()
    examples = _unique(gold, "gold", dropped)
    _refuse_contradictions(examples)
    if len(examples) < minimum_gold:
        raise TrainingError(
            f"{len(examples)} different gold examples, {minimum_gold} are needed: "
            f"{minimum_gold - len(examples)} more reviews, or a lower minimum"
        )
    n_replay = round(len(examples) * replay_share / (1 - replay_share))
    answered = {_question_key(row) for row in examples}
    pool = []
    for row in _unique(original, "replay", dropped):
        if _question_key(row) in answered:
            dropped["answered anew by experts"] += 1
        else:
            pool.append(row)
    if n_replay and not pool:
        raise TrainingError(
            f"replay_share = {replay_share:g} asks for {n_replay} original examples and there are "
            "none; name the original training data in retrain.training_data, or set "
            "replay_share = 0 in the recipe and accept that the model forgets"
        )
    rng = random.Random(seed)  # noqa: S311 - no secret
    replayed = _stratified(pool, n_replay, rng)
    remarks = []
    if len(replayed) < n_replay:
        remarks.append(
            f"only {len(replayed)} original examples to replay; {n_replay} were asked for"
        )
    rows = [*examples, *replayed]
    rng.shuffle(rows)
    return TrainingSet(rows, _card(rows, dropped, tuple(remarks)))


def original_training_set(original: Iterable[Row], *, seed: int) -> TrainingSet:
    """Make a set of original examples alone, as a first version is trained on."""
    dropped: Counter[str] = Counter()
    rows = _unique(original, "original", dropped)
    if not rows:
        raise TrainingError("there are no training examples")
    _refuse_contradictions(rows)
    random.Random(seed).shuffle(rows)  # noqa: S311 - no secret
    return TrainingSet(rows, _card(rows, dropped, ()))


def read_examples(path: Path) -> list[Row]:
    """Read training examples from JSON lines, strictly.

    Raises:
        InputError: The file is missing, or lines hold no conversation; it names the first of them.
    """
    try:
        # Bytes: text would also be cut at the line separators that JSON allows in a string.
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    rows, problems = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
            check_row(row)
        except (msgspec.DecodeError, UnicodeDecodeError, InputError) as error:
            problems.append(f"line {number}: {error}")
            continue
        rows.append(row)
    if problems:
        more = "" if len(problems) <= QUOTED else f" and {len(problems) - QUOTED} more"
        raise InputError(f"{path}: {'; '.join(problems[:QUOTED])}{more}")
    return rows


def check_row(row: Any) -> None:
    """Check that a row is a conversation that ends with what the assistant should say.

    Raises:
        InputError: It isn't.
    """
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list) or not messages:
        raise InputError('no "messages"')
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise InputError('a message without "content"')
        if message.get("role") not in {"system", "user", "assistant"}:
            raise InputError(f"a message with role {message.get('role')!r}")
    if messages[-1]["role"] != "assistant" or not messages[-1]["content"].strip():
        raise InputError("the last message isn't the assistant's answer")
    if len(messages) < 2:
        raise InputError("an answer without a question")
    if not isinstance(row.get("metadata", {}), dict):
        raise InputError('"metadata" isn\'t an object')


def task_type_of(row: Row) -> str:
    """Return the task type that a row's metadata names; empty where there is none."""
    return str(row.get("metadata", {}).get("task_type") or "")


def _unique(rows: Iterable[Row], source: str, dropped: Counter[str]) -> list[Row]:
    """Check rows, mark where they come from, and leave out those that were there before."""
    seen: set[str] = set()
    kept: list[Row] = []
    for row in rows:
        check_row(row)
        messages = [{"role": m["role"], "content": m["content"]} for m in row["messages"]]
        key = canonical({"messages": [_normalised(m) for m in messages]})
        if key in seen:
            dropped[f"duplicate in {source}"] += 1
            continue
        seen.add(key)
        kept.append(
            {"messages": messages, "metadata": {**row.get("metadata", {}), "source": source}}
        )
    return kept


def _normalised(message: dict[str, str]) -> dict[str, str]:
    return {"role": message["role"], "content": " ".join(message["content"].split())}


def _prompt_key(row: Row) -> str:
    return canonical({"messages": [_normalised(m) for m in row["messages"][:-1]]})


def _question_key(row: Row) -> str:
    """Key a conversation without its system prompt, which may have changed since."""
    asked = [_normalised(m) for m in row["messages"][:-1] if m["role"] != "system"]
    return canonical({"messages": asked})


def _refuse_contradictions(rows: Sequence[Row]) -> None:
    answers: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        answers[_prompt_key(row)][" ".join(row["messages"][-1]["content"].split())] = row
    contradicted = [group for group in answers.values() if len(group) > 1]
    if not contradicted:
        return
    quoted = "; ".join(
        f"{next(iter(group.values()))['messages'][-2]['content'][:80]!r}: "
        + " or ".join(repr(answer[:60]) for answer in group)
        for group in contradicted[:QUOTED]
    )
    raise TrainingError(
        f"{len(contradicted)} prompts have different answers; have an adjudicator decide: {quoted}"
    )


def _stratified(pool: Sequence[Row], n: int, rng: random.Random) -> list[Row]:
    """Draw ``n`` rows, as evenly over the task types as their numbers allow."""
    strata: dict[str, list[Row]] = defaultdict(list)
    for row in pool:
        strata[task_type_of(row)].append(row)
    # The largest need not, and the smallest can't, give more than an even share.
    queues = [strata[name] for name in sorted(strata)]
    for queue in queues:
        rng.shuffle(queue)
    rng.shuffle(queues)
    drawn: list[Row] = []
    while len(drawn) < n and any(queues):
        for queue in queues:
            if queue and len(drawn) < n:
                drawn.append(queue.pop())
    return drawn


def _card(rows: Sequence[Row], dropped: Counter[str], remarks: tuple[str, ...]) -> Card:
    digest = hashlib.sha256()
    for row in rows:
        digest.update((canonical(row) + "\n").encode())
    by_source = Counter(row["metadata"]["source"] for row in rows)
    return Card(
        digest=f"sha256:{digest.hexdigest()}",
        n_examples=len(rows),
        n_gold=by_source["gold"],
        n_replay=by_source["replay"],
        replay_share=round(by_source["replay"] / len(rows), 4),
        by_task_type=dict(sorted(Counter(task_type_of(row) for row in rows).items())),
        by_source=dict(sorted(by_source.items())),
        dropped=dict(sorted(dropped.items())),
        remarks=remarks,
    )
