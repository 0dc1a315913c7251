"""Grammar of the fixed rules of a comparison: ``NAME OP NUMBER[%|unit]``."""

import re
from dataclasses import dataclass
from typing import Literal

RuleSide = Literal["", "prompt", "response", "metric"]
Operator = Literal["<", "<=", ">", ">="]

#: Units of descriptors; a metric's is the end of its name, such as ``ms`` of ``latency_ms``.
UNITS = {"length": "tokens", "lines": "lines"}
ALLOWED = (
    "write NAME OP NUMBER, such as `empty < 1%`, `length_p95 < 800` or `metric:score_mean >= 3.5`; "
    "OP is <, <=, > or >=, and the number may end in % or the unit of NAME"
)
_RULE = re.compile(r"(?:(prompt|response|metric):)?\s*([^<>=]+?)\s*(<=|>=|<|>)\s*(.+)")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(%|[A-Za-z]+)?")
_STATISTIC = re.compile(r"(.+)_(mean|p\d{1,2})")


@dataclass(frozen=True)
class Rule:
    """A bound on a share, a mean or a quantile of the current side."""

    #: As written, with single spaces.
    text: str
    #: Empty: a descriptor of responses, else one of prompts, else a metric.
    side: RuleSide
    #: With its statistic, if it has one.
    name: str
    operator: Operator
    #: A share is in [0, 1].
    bound: float
    is_percent: bool

    @property
    def statistic(self) -> tuple[str, str]:
        """Return the name without its end, and that end: ``mean``, ``p95``, or empty."""
        match = _STATISTIC.fullmatch(self.name)
        return (match[1], match[2]) if match else (self.name, "")


def parse_rule(text: str) -> Rule:
    """Return a rule.

    Raises:
        ValueError: It isn't one; the message says what is allowed.

    Example:
        >>> parse_rule("refusal<3%").bound
        0.03
    """
    line = " ".join(text.split())
    match = _RULE.fullmatch(line)
    number = match and _NUMBER.fullmatch(match[4])
    if not match or not number:
        raise ValueError(f"{line!r} is no rule; {ALLOWED}")
    side, name, operator = match[1] or "", match[2], match[3]
    unit = number[2] or ""
    rule = Rule(
        text=f"{f'{side}:' if side else ''}{name} {operator} {number[1]}{unit}",
        side=side,  # type: ignore[arg-type]
        name=name,
        operator=operator,  # type: ignore[arg-type]
        bound=float(number[1]) / (100.0 if unit == "%" else 1.0),
        is_percent=unit == "%",
    )
    base, statistic = rule.statistic
    if statistic in {"p0", "p00"}:
        raise ValueError(f"{line!r}: no quantile {statistic}; write p1 to p99")
    if rule.is_percent and not 0.0 < rule.bound < 1.0:
        raise ValueError(f"{line!r}: no share keeps it or all do; write above 0% and below 100%")
    if rule.is_percent and base in UNITS:
        raise ValueError(f"{line!r}: {base} is no share; write a number of {UNITS[base]}")
    if unit not in {"", "%", UNITS.get(base) or base.rpartition("_")[2]}:
        raise ValueError(f"{line!r}: {base} isn't in {unit}; write the number without it")
    return rule


def check_rule(text: str) -> str:
    """Return the text of a rule with single spaces.

    Raises:
        ValueError: It isn't one.
    """
    return parse_rule(text).text
