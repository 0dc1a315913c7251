"""Changes of instructions: system messages and definitions of tools, compared as facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift.numeric.shares import share_limits
from monitor.drift.numeric.side import make_side
from monitor.statistics.mover import Limits, difference_limits
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Explanation, ShareEstimate
from monitor.traffic.parsing.tools import TOOLS, split_tools
from monitor.windows.explanations.skeletons import find_skeletons, split_sentences

#: Exchanges of a side whose instructions are read: a share then has a standard error of .01. There
#: are fewer where their different system messages have more characters, such as with passages that
#: were retrieved.
MAX_READ, MAX_READ_CHARACTERS = 2_000, 1_000_000
#: Least difference of the shares, in [0, 1], that is reported.
MIN_CHANGE = 0.05
#: Sentences belong to one change where this share of the exchanges with either has both.
SAME_CHANGE = 0.9
#: A sentence is new, or gone, where one side has it this many times as often as the other.
RARE = 0.1
#: Changes of a kind that are reported.
MAX_CHANGES = 3
#: A longer text is shown from a little before the difference.
WHOLE_CHARACTERS, CONTEXT_CHARACTERS = 120, 40
#: Fewer end users may have a text of their own.
QUOTED_FROM_USERS = 20


@dataclass(frozen=True)
class Instructions:
    """The instructions of a side's exchanges, of a sample of large sides."""

    #: The sampled exchanges.
    exchanges: Exchanges
    #: ``[n]``: empty where an exchange has none.
    system_messages: Sequence[str]


def find_instruction_changes(
    reference: Instructions, current: Instructions
) -> tuple[Explanation, ...]:
    """Return the changes of instructions, with texts as they are: neither redacted nor cut.

    It is no test: a sentence is compared by the shares of the exchanges that have it, whose limits
    take account of end users. Sentences that appear or disappear in the same exchanges are one
    change; what appears is paired with what disappears from a similar share.
    """
    sides = (_within_budget(reference), _within_budget(current))
    split = {text: split_sentences(text) for side in sides for text in set(side.system_messages)}
    sentences = find_skeletons([[split[text] for text in side.system_messages] for side in sides])
    tools = [
        [tuple(split_tools(values.get(TOOLS))) for values in side.exchanges.attributes]
        for side in sides
    ]
    return (
        *_compare("system_message", sides, sentences, " "),
        *_compare("tools", sides, tools, ", "),
    )


def _within_budget(side: Instructions) -> Instructions:
    """Return the instructions of fewer exchanges where their messages are long and all differ."""
    order = np.random.default_rng(0).permutation(len(side.system_messages))
    seen: set[str] = set()
    n_characters = 0
    for n, row in enumerate(order.tolist()):
        text = side.system_messages[row]
        n_characters += 0 if text in seen else len(text)
        seen.add(text)
        if n and n_characters > MAX_READ_CHARACTERS:
            rows = np.sort(order[:n]).astype(np.int64)
            texts = [side.system_messages[row] for row in rows.tolist()]
            return Instructions(side.exchanges.take(rows), texts)
    return side


@dataclass(frozen=True)
class _Group:
    """Sentences that the same exchanges have."""

    texts: tuple[str, ...]
    #: bool ``[n]`` of each side: which exchanges have them.
    reference: NDArray[np.bool_]
    current: NDArray[np.bool_]
    limits: tuple[Limits, Limits]

    @property
    def change(self) -> float:
        return self.limits[1].mean - self.limits[0].mean

    @property
    def is_almost_all(self) -> bool:
        """Return whether almost all exchanges that have them are of one side."""
        shares = [limits.mean for limits in self.limits]
        return min(shares) <= RARE * max(shares)

    def takes_the_place_of(self, old: "_Group") -> bool:
        """Return whether these are new, and as many exchanges lost what most of them had."""
        is_usual = old.is_almost_all or old.limits[0].mean >= 0.5
        return self.is_almost_all and is_usual and abs(old.change + self.change) <= MIN_CHANGE


def _compare(
    kind: Literal["system_message", "tools"],
    sides: tuple[Instructions, Instructions],
    texts: Sequence[Sequence[tuple[str, ...]]],
    separator: str,
) -> list[Explanation]:
    if not all(texts):
        return []
    limits_of = _limits_of(sides)
    rows_of = [_rows_of_texts(side) for side in texts]
    groups: list[_Group] = []
    for text in dict.fromkeys(chain(*rows_of)):
        rows = [own.get(text, []) for own in rows_of]
        shares = [len(own) / len(side) for own, side in zip(rows, texts, strict=True)]
        if max(shares) < MIN_CHANGE / 2.0:
            continue  # most are rare: before weights and limits
        has = [_mask(own, len(side)) for own, side in zip(rows, texts, strict=True)]
        limits = limits_of(has)
        lower, upper = difference_limits(*limits)
        if lower <= 0.0 <= upper or abs(limits[1].mean - limits[0].mean) < MIN_CHANGE:
            continue
        _add(groups, _Group((text,), has[0], has[1], limits))
    groups.sort(key=lambda group: -abs(group.change))
    appeared = [group for group in groups if group.change > 0.0]
    fallen = [group for group in groups if group.change < 0.0]
    changes = []
    for group in appeared[:MAX_CHANGES]:
        partner = next((old for old in fallen if group.takes_the_place_of(old)), None)
        if partner is not None:
            fallen.remove(partner)
        changes.append(_explain(kind, sides, group, partner, separator))
    # Where a sentence only became rarer, it is told of those that became more frequent.
    gone = [group for group in fallen if group.is_almost_all]
    for group in gone[: MAX_CHANGES - len(changes)]:
        opposite = _complement(group.limits[0]), _complement(group.limits[1])
        lacking = _Group((), ~group.reference, ~group.current, opposite)
        changes.append(_explain(kind, sides, lacking, group, separator))
    return changes


def _rows_of_texts(side: Sequence[tuple[str, ...]]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, own in enumerate(side):
        for text in own:
            rows.setdefault(text, []).append(row)
    return rows


def _mask(rows: Sequence[int], n: int) -> NDArray[np.bool_]:
    mask = np.zeros(n, dtype=np.bool_)
    mask[list(rows)] = True
    return mask


def _complement(limits: Limits) -> Limits:
    return Limits(1.0 - limits.upper, 1.0 - limits.mean, 1.0 - limits.lower)


def _limits_of(
    sides: tuple[Instructions, Instructions],
) -> Callable[[Sequence[NDArray[np.bool_]]], tuple[Limits, Limits]]:
    made = [
        make_side(np.zeros(len(side.exchanges)), side.exchanges.end_users or None, weights, "rows")
        for side, weights in zip(sides, (None, sides[1].exchanges.weights), strict=True)
    ]

    def limits(has: Sequence[NDArray[np.bool_]]) -> tuple[Limits, Limits]:
        reference, current = (
            share_limits(replace(side, values=own.astype(np.float64)), 1.0)
            for side, own in zip(made, has, strict=True)
        )
        return reference, current

    return limits


def _add(groups: list[_Group], new: _Group) -> None:
    """Add a sentence to the group whose exchanges it has, or as a group of its own."""
    for at, group in enumerate(groups):
        if group.change * new.change <= 0.0:
            continue
        old = np.concatenate([group.reference, group.current])
        own = np.concatenate([new.reference, new.current])
        if (old & own).sum() >= SAME_CHANGE * (old | own).sum():
            groups[at] = replace(group, texts=(*group.texts, *new.texts))
            return
    groups.append(new)


def _explain(
    kind: Literal["system_message", "tools"],
    sides: tuple[Instructions, Instructions],
    group: _Group,
    partner: _Group | None,
    separator: str,
) -> Explanation:
    exchanges = sides[1].exchanges
    rows = np.flatnonzero(group.current)
    text = separator.join(group.texts) if _is_of_many(exchanges, rows) else ""
    before = ""
    if partner is not None and _is_of_many(sides[0].exchanges, np.flatnonzero(partner.reference)):
        before = separator.join(partner.texts)
    text, before = contrast(text, before)
    reference, current = (
        ShareEstimate(estimate=own.mean, lower=max(own.lower, 0.0), upper=min(own.upper, 1.0))
        for own in group.limits
    )
    since: datetime | None = None
    if exchanges.occurred_at and not group.reference.any():
        since = min((exchanges.occurred_at[row] for row in rows.tolist()), default=None)
    return Explanation(
        kind=kind,
        side="prompt",
        text=text,
        before=before,
        reference=reference,
        current=current,
        since=since,
        n_end_users=exchanges.count_users(rows) if any(exchanges.end_users) else 0,
    )


def _is_of_many(exchanges: Exchanges, rows: NDArray[np.int64]) -> bool:
    return not any(exchanges.end_users) or exchanges.count_users(rows) >= QUOTED_FROM_USERS


def contrast(text: str, before: str) -> tuple[str, str]:
    """Return two texts from a little before their first difference, where they are long."""
    if max(len(text), len(before)) <= WHOLE_CHARACTERS or not text or not before:
        return text, before
    pairs = enumerate(zip(text, before, strict=False))
    at = next((at for at, (new, old) in pairs if new != old), min(len(text), len(before)))
    if at <= CONTEXT_CHARACTERS:
        return text, before
    begin = text.find(" ", at - CONTEXT_CHARACTERS, at) + 1 or at - CONTEXT_CHARACTERS
    return f"…{text[begin:]}", f"…{before[begin:]}"
