"""Evidently's report: figures of driftwarden, and escaped names and task types."""

import os

import numpy as np
import pytest

from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.report import evidently
from monitor.windows.report.evidently import render_evidently

BREAKING = "</script><script>alert('x')</script>"


def test_the_report_is_rendered_from_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    monkeypatch.setattr(evidently, "MAX_ROWS", 200)
    rng = np.random.default_rng(0)
    numbers = (
        NumericColumn(
            "length", "prompt", 0, rng.poisson(30, 300) * 1.0, rng.poisson(60, 250) * 1.0
        ),
        NumericColumn(BREAKING, "metric", 1, rng.random(300), rng.random(250)),
        NumericColumn("missing here", "metric", 1, rng.random(300), np.full(250, np.nan)),
        NumericColumn("constant", "prompt", 0, np.ones(300), np.ones(250)),
    )
    html = render_evidently(
        numbers, ["cards"] * 200 + [BREAKING] * 100, ["cards"] * 250, np.random.default_rng(1)
    )
    assert "prompt: length" in html
    assert "missing here" not in html
    assert "alert('x')" not in html
    assert "</script><script>" not in html
    assert len(html) < 6_000_000
    assert os.environ["DO_NOT_TRACK"] == "1"
