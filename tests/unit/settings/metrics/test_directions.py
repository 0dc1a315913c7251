"""Directions of metrics by name."""

from monitor.settings import Drift
from monitor.settings.metrics.directions import direction_of


def test_directions_come_from_the_configuration_first() -> None:
    settings = Drift(higher_is_better=("latency", "Margin"), lower_is_better=("errors",))
    expected = {"latency": 1, "Margin": 1, "errors": -1, "Resolved": 1, "COST": -1, "tokens": 0}
    assert {name: direction_of(name, settings) for name in expected} == expected


def test_directions_are_known_however_a_name_is_written() -> None:
    expected = {
        **dict.fromkeys(("thumbsUp", "feedback.thumbs_up", "Judge Score", "app.rating", "csat"), 1),
        **dict.fromkeys(
            ("thumbs-down", "ttft_ms", "latencyMs", "cost_usd", "error", "refusal"), -1
        ),
        **dict.fromkeys(("time_to_first_token_seconds", "latency_seconds", "timing.latency_s"), -1),
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "temperature", "ms", "", "."), 0),
    }
    assert {name: direction_of(name, Drift()) for name in expected} == expected
