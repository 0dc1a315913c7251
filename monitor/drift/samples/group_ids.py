"""Ids of users or sessions, in any form that callers pass."""

from collections.abc import Hashable, Sequence
from typing import Any

from numpy.typing import NDArray

#: An id for each sample; ``None``: no sample has one.
Groups = Sequence[Hashable] | NDArray[Any] | None
#: Methods that return a list: of NumPy, pandas and torch; of polars; of Arrow.
LISTS = ("tolist", "to_list", "to_pylist")


def read_ids(groups: Sequence[Hashable] | NDArray[Any], n: int, name: str) -> list[Hashable]:
    """Return the id of each sample; ``None`` for a missing one: ``None``, ``""`` or NaN.

    NumPy's numbers become Python's, and whole floats integers, so that an id is the same in any
    container.

    Groups are ``[n]``; errors have their name.

    Raises:
        ValueError: Not one id for each sample.
        TypeError: Not a sequence of ids, or an id that isn't a text or number.
    """
    ids: Any = groups
    for convert in LISTS:
        if callable(getattr(groups, convert, None)):
            ids = getattr(groups, convert)()
            break
    if isinstance(ids, str):
        raise TypeError(f"{name} must hold one id for each sample; got a text")
    if not isinstance(ids, Sequence) or isinstance(ids, bytes):
        kind = type(groups).__name__
        raise TypeError(f"{name} must hold one id for each sample, in their order; got a {kind}")
    if len(ids) != n:
        raise ValueError(f"{name} must hold one id for each sample: {len(ids)} ids, {n} samples")
    return [_read_id(value, row, name) for row, value in enumerate(ids)]


def _read_id(value: Any, row: int, name: str) -> Hashable:
    plain = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)  # integers become floats where a single id of a column is missing
    try:
        hash(plain)
        # An object that is hashed by its identity is another id each time it is read.
        by_identity: Any = object.__hash__
        fits = type(plain).__hash__ is not by_identity
        has_none = plain is None or plain == "" or not plain == plain  # noqa: PLR0124, SIM201 - NaN
    except TypeError:  # pandas.NA, whose comparisons have no truth value, or a list
        fits, has_none = False, type(plain).__name__ == "NAType"
    if not fits and not has_none:
        raise TypeError(
            f"{name}: row {row} is not an id: {plain!r}; use texts or numbers, and None where "
            "there is no id"
        )
    return None if has_none else plain
