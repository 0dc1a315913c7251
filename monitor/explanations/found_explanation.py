"""Explanations as they are found: a change of the texts, its rows, and its shares."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.mover import Limits
from monitor.store.windows.assessment import ExplanationKind

#: Between the beginning and the end of a template with both: where the text stands.
SLOT = " … "

Reduce = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class FoundExplanation:
    """A change that a rule recognises; shares count end users as the independent units."""

    kind: ExplanationKind
    #: What these texts have; not redacted. Empty where the kind says it all. Of a template with a
    #: beginning and an end: both, with ``SLOT`` between. Where the window has less of it, what the
    #: baseline's texts have.
    text: str = ""
    #: What most texts of the baseline have in its place; not redacted.
    before: str = ""
    #: bool ``[n]``: the texts of each side that have it.
    reference_rows: NDArray[np.bool_]
    current_rows: NDArray[np.bool_]
    #: Share of each side, with its 95% limits.
    reference: Limits
    current: Limits
    #: ``current - reference``, with its 95% limits, which don't contain 0.
    difference: Limits
    #: Time of the window's first text that has it; ``None`` where times are unknown, or where the
    #: baseline has it too.
    since: datetime | None = None
    #: End users who have it on the side with more of it; 0 where none is known.
    n_end_users: int = 0
    #: Takes it out of a text of either side; ``None``: its rows are set apart.
    reduce: Reduce | None = None
