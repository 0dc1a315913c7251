"""One short night of game days, and one rehearsal.

The long forms are `make game-days` and `make rehearsal`.
"""

import subprocess
from pathlib import Path

from tests.game_days.faults import HOUR, MINUTE, Strike
from tests.game_days.live import judge_folder
from tests.game_days.night import play
from tests.game_days.oracle import judge
from tests.game_days.rehearsal.desk import Desk
from tests.game_days.rehearsal.site import Site
from tests.game_days.report import render_report, total
from tests.game_days.script import FAULTS, draw_script
from tests.game_days.warm_up import END, MODELS, SQLITE, copy_world
from tests.game_days.world.world import open_world

REMOVED = Strike(FAULTS["model removed"], END + 5 * MINUTE, END + 9 * HOUR, "router", 0.5)
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


def test_rehearsal_calls_engineer_and_times_right_action(lived: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with open_world(folder, copy_world(lived, folder, SQLITE, seed=1), SQLITE) as world:
        desk = Desk(folder)
        site = Site(world, (REMOVED,), desk)
        desk.furnish(url="http://127.0.0.1:1", has_broker=False)
        site.live_until(END + 4 * MINUTE)
        site.step(world.now)
        assert not (folder / "phone.txt").exists()
        site.live_until(END + 20 * MINUTE)
        desk.note_configuration()
        site.step(world.now)
        assert "No longer watched" in (folder / "phone.txt").read_text()
        assert "router" in (folder / "slack.txt").read_text()
        subprocess.run([folder / "bin/note", "a cup of tea"], check=True, capture_output=True)
        assert "No right action yet" in judge_folder(folder)
        configuration = folder / "config.toml"
        configuration.write_text(f"models.router.aliases = []\n{configuration.read_text()}")
        site.step(world.now + MINUTE)
        (folder / ".drill/restart").touch()
        site.step(world.now + MINUTE)
        site.close()
    judgement = judge_folder(folder)
    assert "a cup of tea" in judgement
    assert "First right action after 0:0" in judgement, judgement
    assert set(world.models) == set(MODELS)
