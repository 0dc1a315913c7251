"""Bad candidates that somebody without knowledge of the rules wants promoted, and honest twins."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.retrain.strangers import (
    averages,
    files,
    honest,
    items,
    judges,
    responses,
    safety,
    training,
)
from tests.support.retrain.strangers.desks import CHEATS, HONEST
from tests.support.retrain.strangers.known_limits import HELD_BACK, PROMOTED
from tests.support.retrain.strangers.trials import evaluate

#: Modules whose import registers their cases.
REGISTERED = (averages, files, honest, items, judges, responses, safety, training)

#: Cheap cases of different kinds; the others are a drill.
SHORT = (
    "five new items, all right",
    "trained on new items, the data on disk deleted",
    "a schema that every JSON value fulfils",
    "the incumbent's weights are damaged and it says nothing",
    "an extractor of valid JSON with the right intent",
    "a question answerer that finds more",
)


def cases(names: Iterable[str]) -> list[object]:
    """Return the names, all but the cheap ones as a drill."""
    return [
        name if name in SHORT else pytest.param(name, marks=pytest.mark.drill) for name in names
    ]


def test_names_of_cases_are_short_and_known() -> None:
    assert all(len(name.split()) <= 10 for name in (*CHEATS, *HONEST))
    assert len(set(SHORT)) == 6
    assert set(SHORT) <= {*CHEATS, *HONEST}
    assert set(PROMOTED) <= set(CHEATS)
    assert set(HELD_BACK) <= set(HONEST)


@pytest.mark.slow
@pytest.mark.parametrize("name", cases(CHEATS))
def test_a_cheat_is_promoted_only_where_a_limit_is_known(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = evaluate(CHEATS[name](), tmp_path, monkeypatch)
    gate_result = "refused" if results is None else results.gate_result
    if name in PROMOTED:
        assert gate_result == "promote", "no longer promoted: take it out of PROMOTED"
    else:
        assert gate_result != "promote"


@pytest.mark.slow
@pytest.mark.parametrize("name", cases(HONEST))
def test_an_honest_twin_is_promoted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = evaluate(HONEST[name](), tmp_path, monkeypatch)
    if name in HELD_BACK:
        assert results is None or results.gate_result != "promote", (
            "promoted: take it out of HELD_BACK"
        )
        return
    assert results is not None
    missed = [(check.code, check.observed) for check in results.checks if check.outcome != "passed"]
    assert results.gate_result == "promote", missed
