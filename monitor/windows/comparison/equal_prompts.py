"""Equal prompts on both sides, such as a set of prompts that two releases responded to."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from monitor.drift import Pairs, match_pairs
from monitor.store.traffic.exchange_columns import Exchanges

#: Least share of each side whose prompts the other side has too.
MIN_SHARED = 0.9
#: Least share of each side in pairs: where one side repeats each prompt far more often than the
#: other, pairs would leave out too much of it.
MIN_PAIRED = 1 / 3
#: Least effective number of prompts, or of end users with several.
MIN_UNITS = 50


def pair_exchanges(reference: Exchanges, current: Exchanges) -> Pairs | None:
    """Return the pairs of exchanges with one prompt and task type; ``None`` for other prompts."""
    prompts = _digests(reference), _digests(current)
    shared = [np.isin(prompts[0], prompts[1]), np.isin(prompts[1], prompts[0])]
    if min(side.mean() if len(side) else 0.0 for side in shared) < MIN_SHARED:
        return None
    pairs = match_pairs(*prompts, reference.end_users or None, current.end_users or None)
    largest = max(len(reference), len(current))
    if len(pairs) < MIN_PAIRED * largest or pairs.n_effective_units < MIN_UNITS:
        return None
    return pairs


def _digests(side: Exchanges) -> NDArray[np.uint64]:
    texts: Iterable[str] = (
        f"{task_type}\0{prompt}"
        for task_type, prompt in zip(side.task_types, side.prompts, strict=True)
    )
    digests = (xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) for text in texts)
    return np.fromiter(digests, dtype=np.uint64, count=len(side))
