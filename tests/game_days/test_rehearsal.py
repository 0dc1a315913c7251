"""Rehearsals: each fault begins so that it is told by the present."""

import pytest

from tests.game_days.faults import HOUR
from tests.game_days.rehearsal.first_actions import FIRST_ACTIONS
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
