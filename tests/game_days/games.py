"""Games played one after the other in copies of a lived world, and judged."""

import gc
import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from tests.game_days.night import play
from tests.game_days.oracle import Verdict, judge
from tests.game_days.ordinary import ordinary_month
from tests.game_days.script import Script, draw_script
from tests.game_days.warm_up import END, MODELS, warm_up
from tests.game_days.world.databases import Databases

#: Weeks that the world has lived before a game, and the days of a game.
WEEKS, DAYS = 3, 14.0


class Games:
    """Games in a folder, which is emptied."""

    def __init__(self, folder: Path, *, seed: int, server: str = "") -> None:
        _be_quiet()
        shutil.rmtree(folder, ignore_errors=True)
        self.folder, self._seed = folder, seed
        self._databases = Databases(server)
        self._lived = warm_up(folder / "lived", weeks=WEEKS, seed=seed, databases=self._databases)

    def play_faults(self, least: int, names: tuple[str, ...] = ()) -> Iterator[Verdict]:
        """Play scripts of the seed and the next ones until so many faults were due to be told."""
        n_due, seed = 0, self._seed
        while n_due < least:
            verdict = self._play(draw_script(seed, END, MODELS, days=DAYS, names=names))
            n_due += len(verdict.due)
            seed += 1
            yield verdict

    def play_ordinary_month(self) -> Verdict:
        """Play a month without a fault."""
        return self._play(ordinary_month(self._seed, END))

    def _play(self, script: Script) -> Verdict:
        began = time.monotonic()
        folder = self.folder / f"seed-{script.seed}"
        verdict = judge(play(script, self._lived, folder, databases=self._databases))
        n_told = sum(outcome.in_time for outcome in verdict.due)
        print(
            f"seed {script.seed}: {n_told} of {len(verdict.due)} told in time, "
            f"{len(verdict.flaws)} messages wrong, {len(verdict.pages)} pages, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )
        return verdict


def _be_quiet() -> None:
    """Log nothing: exceptions are in the report."""
    filtered = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=filtered)
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
