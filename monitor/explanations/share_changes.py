"""Change of the share of texts that have something, with end users as the independent units."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors import map_distinct
from monitor.drift.numeric.shares import compare_shares, share_limits
from monitor.drift.numeric.side import Side, make_side
from monitor.explanations.found_explanation import FoundExplanation, Reduce
from monitor.explanations.text_side import TextSide
from monitor.statistics.mover import Limits, difference_limits
from monitor.store.windows.assessment import ExplanationKind

#: Chance that a kind is found where nothing changed; shared by its candidates (Bonferroni).
LEVEL = 1e-3
#: What a smaller part of both sides has cannot reach the level: it is no candidate.
MIN_CANDIDATE_ROWS = 10
#: A share that both sides have to this extent is natural: it differs between topics, too.
NATURAL_SHARE = 0.02
#: Least difference of a natural share.
MIN_NATURAL_DIFFERENCE = 0.3

Mask = NDArray[np.bool_]
T = TypeVar("T")


@dataclass(frozen=True)
class Candidate:
    """Texts that have something."""

    #: Of the baseline and of the window; bool ``[n]`` each.
    rows: tuple[Mask, Mask]
    text: str = ""
    before: str = ""
    reduce: Reduce | None = None

    @property
    def is_frequent(self) -> bool:
        """Return whether both sides together have it often enough."""
        return sum(int(own.sum()) for own in self.rows) >= MIN_CANDIDATE_ROWS


@dataclass(frozen=True)
class ShareChange:
    """The shares of both sides with their 95% limits, their difference, and its p-value."""

    reference: Limits
    current: Limits
    difference: Limits
    p_value: float


@dataclass(frozen=True)
class Shares:
    """Both sides of a comparison, and the rows of each that are not yet explained."""

    reference: TextSide
    current: TextSide
    min_difference: float
    reference_left: Mask
    current_left: Mask
    level: float = LEVEL

    @classmethod
    def of(
        cls, reference: TextSide, current: TextSide, min_difference: float, level: float = LEVEL
    ) -> "Shares":
        """Return the comparison of all texts that are not blank."""
        before, now = (
            np.fromiter((bool(text.strip()) for text in side.texts), np.bool_, len(side))
            for side in (reference, current)
        )
        return cls(reference, current, min_difference, before, now, level)

    def after(self, explanation: FoundExplanation) -> "Shares":
        """Return the comparison without what an explanation covers."""
        if explanation.reduce is None:
            return self.among(~explanation.reference_rows, ~explanation.current_rows)
        reduce = explanation.reduce
        return self.with_texts(
            *(map_distinct(side.texts, reduce) for side in (self.reference, self.current))
        )

    def among(self, reference: Mask, current: Mask) -> "Shares":
        """Return the comparison of some of the rows left."""
        return replace(
            self,
            reference_left=self.reference_left & reference,
            current_left=self.current_left & current,
        )

    def with_texts(self, reference: Sequence[str], current: Sequence[str]) -> "Shares":
        """Return the comparison of other texts of the same rows."""
        return replace(
            self,
            reference=replace(self.reference, texts=reference),
            current=replace(self.current, texts=current),
        )

    @cached_property
    def _sides(self) -> tuple[Side, Side]:
        return _side(self.reference, None), _side(self.current, None)

    @cached_property
    def _left(self) -> tuple[Side, Side]:
        if self.reference_left.all() and self.current_left.all():
            return self._sides
        return _side(self.reference, self.reference_left), _side(self.current, self.current_left)

    def map(self, function: Callable[[str], T]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return a function's value for each text of both sides, each ``[n]``."""
        reference, current = (
            np.array([*map_distinct(side.texts, function), None], dtype=object)[:-1]
            for side in (self.reference, self.current)
        )
        return reference, current

    def change(self, reference: Mask, current: Mask) -> ShareChange | None:
        """Return the change of a share among the rows left; ``None`` with too few end users."""
        return _change(self._left, (reference[self.reference_left], current[self.current_left]))

    def explain(
        self,
        kind: ExplanationKind,
        candidate: Candidate,
        *,
        n_candidates: int = 1,
        min_difference: float | None = None,
    ) -> FoundExplanation | None:
        """Return a candidate as an explanation; ``None`` where the change may be chance.

        Its test is among the rows left; its shares are of all rows.
        """
        least = self.min_difference if min_difference is None else min_difference
        # Rows set apart have an explanation already.
        rows = (
            candidate.rows[0] & self.reference_left,
            candidate.rows[1] & self.current_left,
        )
        among_left = self.change(*rows)
        if (
            among_left is None
            or among_left.p_value > self.level / max(n_candidates, 1)
            or abs(among_left.difference.mean) < least
        ):
            return None
        of_all = _change(self._sides, rows)
        if of_all is None or not _same_direction(of_all.difference, among_left.difference):
            return None
        return FoundExplanation(
            kind=kind,
            text=candidate.text,
            before=candidate.before,
            reference_rows=rows[0],
            current_rows=rows[1],
            reference=of_all.reference,
            current=of_all.current,
            difference=of_all.difference,
            since=first_time(self.current, rows[1]) if not rows[0].any() else None,
            n_end_users=count_end_users(
                *(
                    (self.current, rows[1])
                    if of_all.difference.mean > 0
                    else (self.reference, rows[0])
                )
            ),
            reduce=candidate.reduce,
        )


def least_natural(reference: float, current: float, min_difference: float) -> float:
    """Return the least difference of shares: larger where both sides have it by nature."""
    is_natural = min(reference, current) >= NATURAL_SHARE
    return max(min_difference, MIN_NATURAL_DIFFERENCE) if is_natural else min_difference


def first_time(side: TextSide, rows: Mask) -> datetime | None:
    """Return the first time of some rows; ``None`` where times are unknown."""
    if not side.times:
        return None
    return min((side.times[row] for row in np.flatnonzero(rows).tolist()), default=None)


def count_end_users(side: TextSide, rows: Mask) -> int:
    """Return the number of end users of some rows; 0 where none is known."""
    if not side.end_users:
        return 0
    owners = [side.end_users[row] for row in np.flatnonzero(rows).tolist()]
    named = {owner for owner in owners if owner}
    return len(named) + sum(not owner for owner in owners) if named else 0


def shares_of_rows(sides: tuple[TextSide, TextSide], rows: tuple[Mask, Mask]) -> ShareChange | None:
    """Return the change of a share with exchanges as the units."""
    x, y = (_side(replace(side, end_users=()), None) for side in sides)
    return _change((x, y), rows)


def _same_direction(first: Limits, second: Limits) -> bool:
    sign = np.sign(second.mean)
    return bool(sign * first.lower > 0.0 and sign * first.upper > 0.0)


def _side(side: TextSide, rows: Mask | None) -> Side:
    values = np.zeros(len(side))
    base = make_side(values, side.end_users or None, side.weights, "texts")
    if rows is None:
        return base
    _, user = np.unique(base.user[rows], return_inverse=True)
    weights = None if base.weights is None else base.weights[rows]
    return Side(values[rows], user.ravel().astype(np.int64), weights)


def _change(sides: tuple[Side, Side], rows: tuple[Mask, Mask]) -> ShareChange | None:
    x, y = (
        replace(side, values=mask.astype(np.float64))
        for side, mask in zip(sides, rows, strict=True)
    )
    if min(x.n_groups, y.n_groups) < 2:
        return None
    reference, current = share_limits(x, 1.0), share_limits(y, 1.0)
    lower, upper = difference_limits(reference, current)
    return ShareChange(
        reference,
        current,
        Limits(lower, current.mean - reference.mean, upper),
        compare_shares(x, y, 1.0),
    )
