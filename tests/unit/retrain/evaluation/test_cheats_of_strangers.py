"""Bad candidates that somebody without knowledge of the rules wants promoted, and honest twins."""

from pathlib import Path

import pytest

from tests.support.retrain.strangers import (
    answers,
    averages,
    files,
    honest,
    items,
    judges,
    safety,
    training,
)
from tests.support.retrain.strangers.desks import CHEATS, HONEST
from tests.support.retrain.strangers.trials import evaluate

#: Modules whose import registers their cases.
REGISTERED = (answers, averages, files, honest, items, judges, safety, training)


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_is_not_promoted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(name.split()) <= 10
    results = evaluate(CHEATS[name](), tmp_path, monkeypatch)
    assert results is None or results.gate_result != "promote"


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_twin_is_promoted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = evaluate(HONEST[name](), tmp_path, monkeypatch)
    assert results is not None
    missed = [(check.code, check.observed) for check in results.checks if check.outcome != "passed"]
    assert results.gate_result == "promote", missed
