"""Texts without what their explanations cover, to be compared again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.explanations.found_explanation import FoundExplanation

#: Taken out before the others, in this order, as they were found.
FIRST = ("encoding", "cut_off")


@dataclass(frozen=True)
class RestTexts:
    """The texts of one side that are left."""

    #: ``[n]``: all texts in their order, without what was taken out of them.
    texts: list[str]
    #: bool ``[n]``: the rows that are left; those set apart are not.
    is_left: NDArray[np.bool_]
    #: bool ``[n]``: the rows whose text changed, which are embedded again.
    is_changed: NDArray[np.bool_]


def take_out(
    texts: Sequence[str],
    explanations: Sequence[FoundExplanation],
    side: Literal["reference", "current"],
) -> RestTexts:
    """Return what is left of the texts of a side without what the explanations cover.

    Templates are cut off; a change of case, punctuation or markup is undone in all texts of both
    sides alike; encodings are decoded. Texts of another language or script, copies, and the texts
    of one end user are set apart.

    Args:
        texts: ``[n]``: those that the explanations were found in.
        explanations: In any order.
        side: Which side these texts are.
    """
    is_left = np.ones(len(texts), dtype=np.bool_)
    rest = list(texts)
    for explanation in sorted(explanations, key=_step):
        rows = explanation.reference_rows if side == "reference" else explanation.current_rows
        if explanation.reduce is None:
            is_left &= ~rows
        else:
            rest = [explanation.reduce(text) for text in rest]
    changed = [after != before for after, before in zip(rest, texts, strict=True)]
    return RestTexts(rest, is_left, np.array(changed, dtype=np.bool_))


def _step(explanation: FoundExplanation) -> int:
    return FIRST.index(explanation.kind) if explanation.kind in FIRST else len(FIRST)
