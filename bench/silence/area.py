"""Faults drawn from a seed on a driven clock, and a month without one."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from monitor.bench.row import Row
from tests.game_days.games import Games
from tests.game_days.report import GOAL, KINDS, total

SEED, N_FAULTS = 1, 200


def run(_data: Path | None) -> Iterator[Row]:
    """Yield the share of faults that are told in time, the wrong messages, and needless pages."""
    with tempfile.TemporaryDirectory() as folder:
        games = Games(Path(folder) / "games", seed=SEED)
        totals = total(list(games.play_faults(N_FAULTS)))
        month = games.play_ordinary_month()
    against = f"{totals.n_due} faults, single and in pairs, seeds from {SEED} on"
    yield Row(
        "silence",
        "faults told in the promised time",
        totals.share_in_time,
        "",
        f">= {GOAL}",
        totals.share_in_time >= GOAL,
        against,
    )
    counts = {f"{kind} messages": totals.flaws[kind] for kind in KINDS}
    counts["pages in an ordinary month"] = len(month.pages)
    counts["wrong messages in an ordinary month"] = len(month.flaws)
    for name, n in counts.items():
        yield Row("silence", name, float(n), "", "0", n == 0, against)
