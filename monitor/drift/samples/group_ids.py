"""The ids of users or sessions, as people pass them."""

from collections.abc import Hashable, Sequence
from typing import Any

from numpy.typing import NDArray

#: An id for each sample; ``None``: none has one.
Groups = Sequence[Hashable] | NDArray[Any] | None


def read_ids(groups: Sequence[Hashable] | NDArray[Any], n: int, name: str) -> list[Hashable]:
    """Return an id for each sample, ``None`` where it has none: ``None``, ``""`` or NaN.

    Scalars of arrays become Python's, and whole floats integers, so that an id is one whatever it
    was read with.

    Args:
        groups: ``[n]``.
        n: The number of samples.
        name: What to call the groups in an error.

    Raises:
        ValueError: Not one id for each sample.
        TypeError: A text, a set or the like as all of them, or something that can't be an id.
    """
    tolist = getattr(groups, "tolist", None)  # NumPy's arrays, pandas' series, torch's tensors
    ids = tolist() if callable(tolist) else groups
    if isinstance(ids, str):
        raise TypeError(f"{name} must hold one id for each sample; got one text")
    if not isinstance(ids, Sequence) or isinstance(ids, bytes):
        kind = type(groups).__name__
        raise TypeError(f"{name} must hold one id for each sample, in their order; got a {kind}")
    if len(ids) != n:
        raise ValueError(f"{name} must hold one id for each sample: {len(ids)} ids, {n} samples")
    return [_read_id(one, row, name) for row, one in enumerate(ids)]


def _read_id(one: Any, row: int, name: str) -> Hashable:
    plain = one.item() if getattr(one, "ndim", None) == 0 else one
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)  # a column of numbers becomes one of floats where a single id is missing
    try:
        hash(plain)
        # What is hashed by its identity is another id each time that it's read.
        by_identity: Any = object.__hash__
        fits = type(plain).__hash__ is not by_identity
        has_none = plain is None or plain == "" or not plain == plain  # noqa: PLR0124, SIM201 - NaN
    except TypeError:  # pandas.NA, which is neither equal to anything nor different, or a list
        fits = has_none = False
    if not fits and not has_none:
        raise TypeError(
            f"{name}: row {row} holds {plain!r}; an id is a text or a number, and None where "
            "there is none"
        )
    return None if has_none else plain
