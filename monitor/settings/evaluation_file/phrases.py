"""Values with a notation of their own in evaluation.yaml: limits, losses and scales."""

import re
from dataclasses import dataclass
from typing import Literal

from monitor.settings.evaluation_file.document import FileEntry

Comparison = Literal[">=", "<=", ">", "<"]

_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_LIMIT = re.compile(rf"(>=|<=|>|<)\s*{_NUMBER}\s*(%?)")
_LOSS = re.compile(rf"{_NUMBER}\s*% degradation on any metric")
_SCALE = re.compile(r"(\d+)\s*(?:-|–|to)\s*(\d+)")  # noqa: RUF001 - as people write it


@dataclass(frozen=True)
class Limit:
    """A limit of a figure, such as ``>= 0.95``."""

    comparison: Comparison
    value: float

    @property
    def is_minimum(self) -> bool:
        """Whether larger figures are better."""
        return self.comparison in (">=", ">")

    def holds(self, figure: float) -> bool:
        """Return whether a figure is within the limit."""
        match self.comparison:
            case ">=":
                return figure >= self.value
            case "<=":
                return figure <= self.value
            case ">":
                return figure > self.value
            case "<":
                return figure < self.value

    def __str__(self) -> str:
        return f"{self.comparison} {self.value:g}"


def read_limit(entry: FileEntry) -> Limit:
    """Read ``">= 0.95"`` or ``"<= 2%"``.

    Raises:
        ConfigurationError: The text has another form.
    """
    text = "" if entry.is_number else entry.text()
    match = _LIMIT.fullmatch(text)
    if match is None:
        actual = repr(text) if text else "a number alone"
        raise entry.error(f'must be a limit such as ">= 0.95" or "<= 2%", not {actual}')
    comparison, value, percent = match.groups()
    number = float(value) / 100 if percent else float(value)
    return Limit(comparison, number)  # type: ignore[arg-type]  # the pattern allows no other


def read_loss(entry: FileEntry) -> float:
    """Read ``"10% degradation on any metric"``, or the share 0.10, as a share in (0, 1).

    Raises:
        ConfigurationError: The text has another form.
    """
    if entry.is_number:
        share = entry.number()
    else:
        text = entry.text()
        match = _LOSS.fullmatch(text)
        if match is None:
            raise entry.error(
                f'must be a loss such as "10% degradation on any metric" or 0.10, not {text!r}'
            )
        share = float(match.group(1)) / 100
    if not 0 < share < 1:
        raise entry.error(f"must be more than 0% and less than 100%, not {100 * share:g}%")
    return share


def read_scale(entry: FileEntry) -> tuple[int, int]:
    """Read a rating scale: ``"1-5"``, ``[1, 5]`` or every rating, ``[1, 2, 3, 4, 5]``.

    Raises:
        ConfigurationError: The text has another form, or the scale doesn't rise.
    """
    if entry.is_list:
        ratings = [item.count(0) for item in entry.items()]
        whole = len(ratings) > 2 and ratings == list(range(ratings[0], ratings[0] + len(ratings)))
        ends = [ratings[0], ratings[-1]] if whole else ratings
    else:
        text = entry.text()
        match = _SCALE.fullmatch(text)
        if match is None:
            raise entry.error(f'must be a scale such as "1-5" or [1, 5], not {text!r}')
        ends = [int(end) for end in match.groups()]
    if len(ends) != 2 or ends[0] >= ends[1] or ends[1] - ends[0] > 100:
        raise entry.error(
            "must be two whole numbers, the lower one first, or every whole number from the lowest "
            f"to the highest, not {ends}"
        )
    return ends[0], ends[1]
