"""A lived world and a short night in it, shared by the tests of this folder."""

from pathlib import Path

import pytest

from tests.game_days.faults import HOUR, Strike
from tests.game_days.night import Night, play
from tests.game_days.script import FAULTS, Script
from tests.game_days.warm_up import END, warm_up

STALLED = Strike(FAULTS["broker away"], END + HOUR, END + 1.7 * HOUR, "", 0.5)


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a week of an ordinary world."""
    return warm_up(tmp_path_factory.mktemp("game_days") / "lived", weeks=1, seed=1)


@pytest.fixture(scope="session")
def short_script() -> Script:
    """Return an hour without a broker, and its end."""
    return Script(1, END, END + 4 * HOUR, (STALLED,))


@pytest.fixture(scope="session")
def short_night(
    lived: Path, short_script: Script, tmp_path_factory: pytest.TempPathFactory
) -> Night:
    """Return that night, played."""
    return play(short_script, lived, tmp_path_factory.mktemp("night") / "world")
