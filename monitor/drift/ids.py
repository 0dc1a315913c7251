"""The ids of users or sessions, as people pass them."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: An id for each sample; ``None``: none has one.
Groups = Sequence[Hashable] | NDArray[Any] | None


def read_ids(groups: Sequence[Hashable] | NDArray[Any], n: int, name: str) -> list[Hashable]:
    """Return an id for each sample, ``None`` where it has none: ``None``, ``""`` or NaN.

    NumPy's scalars become Python's, so that an id is one whatever it was read with.

    Args:
        groups: ``[n]``.
        n: The number of samples.
        name: What to call the groups in an error.

    Raises:
        ValueError: Not one id for each sample.
        TypeError: A text as all of them, or something that can't be an id.
    """
    if isinstance(groups, str):
        raise TypeError(f"{name} must hold one id for each sample; got one text")
    ids = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
    if len(ids) != n:
        raise ValueError(f"{name} must hold one id for each sample: {len(ids)} ids, {n} samples")
    return [_read_id(one, row, name) for row, one in enumerate(ids)]


def _read_id(one: Any, row: int, name: str) -> Hashable:
    plain = one.item() if isinstance(one, np.generic) else one
    try:
        hash(plain)
        has_none = plain is None or plain == "" or not plain == plain  # noqa: PLR0124, SIM201 - NaN
    except TypeError:  # pandas.NA, which is neither equal to anything nor different, or a list
        raise TypeError(
            f"{name}: row {row} holds {plain!r}; an id is a text or a number, and None where "
            "there is none"
        ) from None
    return None if has_none else plain
