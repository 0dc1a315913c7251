"""`python -m tests.game_days`: faults on a driven clock, judged by the oracle; a report of them.

Writes build/game-days/report.md. The exit status is 1 where a goal is missed.
"""

import argparse
import gc
import logging
import shutil
import sys
import time
from pathlib import Path

import structlog

from tests.game_days.night import play
from tests.game_days.oracle import Verdict, judge
from tests.game_days.ordinary import ordinary_month
from tests.game_days.report import render_report, total
from tests.game_days.script import Script, draw_script
from tests.game_days.warm_up import END, MODELS, warm_up

FOLDER = Path("build/game-days")
#: Weeks that the world has lived before a game, and the days of a game.
WEEKS, DAYS = 3, 14.0


def main() -> None:
    """Draw, play, judge, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.game_days", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first game; default: 1")
    parser.add_argument("--faults", type=int, default=200, help="least number that is told of")
    parser.add_argument("--only", default="", help="names of faults, comma-separated")
    parser.add_argument("--ordinary", action="store_true", help="30 days without a fault")
    arguments = parser.parse_args()
    be_quiet()
    folder = FOLDER.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    warm = warm_up(folder / "lived", weeks=WEEKS, seed=arguments.seed)
    print(f"{WEEKS} weeks lived in {time.monotonic() - began:.0f} s", flush=True)
    verdicts: list[Verdict] = []
    names = tuple(filter(None, arguments.only.split(",")))
    seed = arguments.seed
    if arguments.ordinary:
        verdicts.append(_play(ordinary_month(seed, END), warm, folder))
    while not arguments.ordinary and total(verdicts).n_due < arguments.faults:
        script = draw_script(seed, END, MODELS, days=DAYS, names=names)
        verdicts.append(_play(script, warm, folder))
        seed += 1
        (folder / "report.md").write_text(render_report(verdicts))
    (folder / "report.md").write_text(render_report(verdicts))
    totals = total(verdicts)
    print(f"{totals}\nreport: {FOLDER / 'report.md'}")
    pages = [message for verdict in verdicts for message in verdict.pages]
    sys.exit(not totals.hold or (arguments.ordinary and bool(pages)))


def be_quiet() -> None:
    """Log nothing: exceptions are in the report."""
    filtered = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=filtered)
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def _play(script: Script, warm: Path, folder: Path) -> Verdict:
    began = time.monotonic()
    verdict = judge(play(script, warm, folder / f"seed-{script.seed}"))
    n_told = sum(outcome.in_time for outcome in verdict.due)
    print(
        f"seed {script.seed}: {n_told} of {len(verdict.due)} told in time, "
        f"{len(verdict.flaws)} messages wrong, {len(verdict.pages)} pages, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    return verdict


if __name__ == "__main__":
    main()
