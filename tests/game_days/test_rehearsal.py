"""Rehearsals: each fault begins so that it is told by the present."""

import pytest

from tests.game_days.faults import HOUR
from tests.game_days.rehearsal.first_actions import FIRST_ACTIONS, first_right, read_steps
from tests.game_days.rehearsal.site import strikes_of
from tests.game_days.script import FAULTS
from tests.game_days.warm_up import END


@pytest.mark.parametrize("name", FIRST_ACTIONS)
def test_fault_of_rehearsal_is_due_by_the_present(name: str) -> None:
    now = END + 87 * HOUR
    for strike in strikes_of(FAULTS[name], now):
        assert strike.begin < now < strike.end
    fault = strikes_of(FAULTS[name], now)[0].fault
    assert fault.promised is not None
    assert strikes_of(fault, now)[0].begin + fault.promised <= now


def test_command_that_fails_is_no_right_action() -> None:
    log = (
        "2026-12-02T03:00:05Z 1 driftwarden db backup site.tar\n"
        "2026-12-02T03:00:09Z 2 driftwarden db backup\n"
        "2026-12-02T03:00:31Z 0 driftwarden db backup site.tar.gz\n"
    )
    step = first_right("backups stop", list(read_steps(log)))
    assert step is not None
    assert step.at.second == 31


def test_check_that_finds_faults_is_a_right_action() -> None:
    log = "2026-12-02T03:00:05Z 3 driftwarden check --now\n"
    assert first_right("daemon dead", list(read_steps(log))) is not None
