"""Selection of the task types that have a row of their own; the rest is one sum on both sides."""

from collections.abc import Mapping, Set

from monitor.store.windows.assessment import OtherTaskTypes


def select_task_types(
    reference: Mapping[str, float], current: Mapping[str, float], limit: int
) -> list[str]:
    """Return the task types with a row of their own, by change of the share and by size in turn.

    Both sides are listed by the same names: a type that only one side's list named would look as if
    the other side had none of it. Each side has the share of every task type; that of the baseline
    is empty where none is known. At most ``limit`` are returned.
    """
    names = reference.keys() | current.keys()
    if len(names) <= limit:
        return sorted(names)
    shares = {name: (reference.get(name, 0.0), current.get(name, 0.0)) for name in names}
    by_size = sorted(names, key=lambda name: (-max(shares[name]), name))
    if not reference or not current:
        return by_size[:limit]
    by_change = sorted(
        names, key=lambda name: (-abs(shares[name][1] - shares[name][0]), -max(shares[name]), name)
    )
    selected: dict[str, None] = {}
    for pair in zip(by_change, by_size, strict=True):
        for name in pair:
            if len(selected) < limit:
                selected.setdefault(name)
    return list(selected)


def sum_other_task_types(
    reference: Mapping[str, float],
    current: Mapping[str, float],
    selected: list[str],
    further: OtherTaskTypes | None = None,
) -> OtherTaskTypes | None:
    """Return the sum of the task types that are not selected; ``None`` where all are.

    ``further`` is the sum of task types that the shares do not name.
    """
    left = (reference.keys() | current.keys()) - set(selected)
    n_types = len(left) + (0 if further is None else further.n_task_types)
    if not n_types:
        return None
    before, now = (None, None) if further is None else (further.reference, further.current)
    return OtherTaskTypes(
        n_task_types=n_types,
        reference=_sum(reference, left, before),
        current=_sum(current, left, now),
    )


def _sum(side: Mapping[str, float], left: Set[str], further: float | None) -> float | None:
    """Return the sum of some shares of a side, and of further ones; ``None`` without any share."""
    if not side:
        return None
    return (further or 0.0) + sum(side.get(name, 0.0) for name in sorted(left))
