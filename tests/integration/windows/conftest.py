"""A rough map for all windows: no test here looks at places in the plane."""

import pytest

from monitor.drift import layout


@pytest.fixture(autouse=True)
def _rough_map(monkeypatch: pytest.MonkeyPatch) -> None:
    # 200 steps take a seventh of a window's evaluation; tests/unit/windows/test_prompt_map.py tests
    # what they reach.
    monkeypatch.setattr(layout, "N_STEPS", 5)
