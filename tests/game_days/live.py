"""`python -m tests.game_days.live`: a rehearsal on a live site with a fault, timed.

The folder gets what the engineer on call needs, and `phone.txt` when the fault is told. The site
lives until Ctrl-C. With --judge, shows how long the first right action took.
"""

import argparse
import json
import os
import random
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from tests.game_days.rehearsal.desk import CALL, LOG
from tests.game_days.rehearsal.first_actions import FIRST_ACTIONS, render_judgement
from tests.game_days.rehearsal.site import open_site, run_site
from tests.game_days.script import FAULTS
from tests.support.present import utc_now

BUILD = Path("build/rehearsal")


def main() -> None:
    """Run a site, or judge what was done on one."""
    parser = argparse.ArgumentParser(prog="python -m tests.game_days.live", description=__doc__)
    parser.add_argument("--fault", help=f"drawn by chance if not named: {', '.join(FIRST_ACTIONS)}")
    parser.add_argument("--folder", type=Path, default=BUILD / "site", help="of the engineer")
    parser.add_argument("--judge", action="store_true", help="show the times, and end")
    parser.add_argument("--minutes", type=float, default=60.0, help="time that the site lives")
    parser.add_argument("--without-kafka", action="store_true", help="start no broker")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.judge:
        print(judge_folder(folder))
        return
    name = arguments.fault or random.SystemRandom().choice(list(FIRST_ACTIONS))
    if name not in FIRST_ACTIONS:
        parser.error(f"unknown fault: {name!r}; use one of {', '.join(FIRST_ACTIONS)}")
    clear(folder)
    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends page and broker, too
    cache = (BUILD / "lived").resolve()
    print("The site lives until the present: up to two minutes, less the next time.", flush=True)
    has_broker = not arguments.without_kafka
    with (
        suppress(KeyboardInterrupt),
        open_site(FAULTS[name], folder, cache, has_broker=has_broker) as site,
    ):
        site.step(utc_now())
        print(f"It lives. Your folder: {folder}; begin with its README.md", flush=True)
        run_site(site, 60 * arguments.minutes)
    print(judge_folder(folder))


def clear(folder: Path) -> None:
    """Empty the folder of an earlier rehearsal; refuse any other folder with files."""
    if folder.exists() and any(folder.iterdir()) and not (folder / CALL).parent.exists():
        raise SystemExit(f"no folder of a rehearsal: {folder}; name a new or empty one")
    shutil.rmtree(folder, ignore_errors=True)


def judge_folder(folder: Path) -> str:
    """Return the judgement of what was typed in a folder."""
    if not (folder / CALL).exists():
        return "The fault was not told yet."
    return render_judgement(json.loads((folder / CALL).read_text()), (folder / LOG).read_text())


if __name__ == "__main__":
    main()
