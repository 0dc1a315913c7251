"""The shipped rules with all times divided by a factor."""

import re
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules.yaml"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])")
_RANGE = re.compile(r"\[(\d+)([smhd])\]")
#: Times of 15 minutes and more, in expressions on seconds; `12 * 3600` is scaled by its 3600.
_NUMBER = re.compile(r"(?<![\w.*])(?:(\d+) \* )?(\d{3,})(?![\w.])")
#: An expression that compares seconds; others compare numbers, shares and 0.
_IN_SECONDS = re.compile(r"_seconds\b")


def scale_rules(factor: float, rules: Path = RULES) -> dict[str, Any]:
    """Return the rules with `for`, ranges and limits in seconds divided by a factor.

    The length of a model's window stays: a metric has it.
    """
    content: dict[str, Any] = yaml.safe_load(rules.read_text(encoding="utf-8"))
    for group in content["groups"]:
        for rule in group["rules"]:
            rule["expr"] = scale_expression(rule["expr"], factor)
            if "for" in rule:
                rule["for"] = _scaled(rule["for"], factor)
    return content


def scale_expression(expression: str, factor: float) -> str:
    """Return an expression with its ranges, and its limits in seconds, divided by a factor."""
    scaled = _RANGE.sub(lambda match: f"[{_scaled(match[0][1:-1], factor)}]", expression)
    if not _IN_SECONDS.search(scaled):
        return scaled

    def divide(match: re.Match[str]) -> str:
        times = f"{match[1]} * " if match[1] else ""
        return f"{times}{int(match[2]) / factor:g}"

    return _NUMBER.sub(divide, scaled)


def _scaled(duration: str, factor: float) -> str:
    """Return a duration divided by a factor, in milliseconds, at least one second."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"a duration of one unit is expected: {duration!r}")
    return f"{max(1000, round(int(match[1]) * SECONDS[match[2]] * 1000 / factor))}ms"
