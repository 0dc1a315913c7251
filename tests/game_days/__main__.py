"""`python -m tests.game_days`: faults on a driven clock, judged by the oracle; a report of them.

Writes build/game-days/report.md. The exit status is 1 where a goal is missed.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.game_days.games import Games
from tests.game_days.measured_times import write_measured_times
from tests.game_days.oracle import Verdict
from tests.game_days.report import render_report, total

FOLDER = Path("build/game-days")


def main() -> None:
    """Draw, play, judge, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.game_days", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first game; default: 1")
    parser.add_argument("--faults", type=int, default=200, help="least number of faults")
    parser.add_argument("--only", default="", help="names of faults, comma-separated")
    parser.add_argument("--database", default="", help="a PostgreSQL server; default: SQLite")
    parser.add_argument("--ordinary", action="store_true", help="a month without a fault")
    parser.add_argument(
        "--document", action="store_true", help="write the measured times for `make docs`"
    )
    parser.add_argument("--figures", type=Path, help="file of the figures, as JSON")
    arguments = parser.parse_args()
    games = Games(FOLDER.resolve(), seed=arguments.seed, server=arguments.database)
    names = tuple(filter(None, arguments.only.split(",")))
    verdicts: list[Verdict] = []
    if arguments.ordinary:
        verdicts.append(games.play_ordinary_month())
    else:
        for verdict in games.play_faults(arguments.faults, names):
            verdicts.append(verdict)
            (FOLDER / "report.md").write_text(render_report(verdicts))
    (FOLDER / "report.md").write_text(render_report(verdicts))
    if arguments.document:
        write_measured_times(verdicts)
    totals = total(verdicts)
    n_pages = sum(len(verdict.pages) for verdict in verdicts)
    if arguments.figures:
        arguments.figures.write_text(json.dumps(asdict(totals) | {"n_pages": n_pages}))
    print(f"{totals}\nreport: {FOLDER / 'report.md'}")
    sys.exit(not totals.hold or (arguments.ordinary and n_pages > 0))


if __name__ == "__main__":
    main()
