"""One short night of game days; the long form is `make game-days`."""

from pathlib import Path

from tests.game_days.night import play
from tests.game_days.oracle import judge
from tests.game_days.report import render_report, total
from tests.game_days.script import draw_script
from tests.game_days.warm_up import END, MODELS

NIGHT = ("slack refuses", "deploy", "leader killed")


def test_short_night_has_only_true_messages_in_time(lived: Path, tmp_path: Path) -> None:
    script = draw_script(2, END, MODELS, days=0.6, names=NIGHT)
    assert {strike.fault.name for strike in script.strikes} >= {"slack refuses", "broker away"}
    verdict = judge(play(script, lived, tmp_path / "world"))
    report = render_report([verdict])
    assert verdict.holds, report
    assert not verdict.night.defects, report
    assert total([verdict]).n_due >= 2


def test_script_of_a_seed_is_the_same_again() -> None:
    first, again = (draw_script(5, END, MODELS, days=14.0) for _ in range(2))
    assert first == again
    assert first != draw_script(6, END, MODELS, days=14.0)


def test_faults_of_a_script_are_single_or_in_pairs() -> None:
    for seed in range(20):
        strikes = draw_script(seed, END, MODELS, days=14.0).strikes
        for strike in strikes:
            met = [
                other
                for other in strikes
                if other is not strike and other.begin <= strike.begin < other.end
            ]
            assert len(met) <= 1
            assert all(other.fault.touches != strike.fault.touches for other in met)
            assert not any(other.fault.is_alone for other in met)
