"""`python -m tests.soak.endurance`: hours at the highest rate, a replica killed every minute.

Starts its own Kafka and PostgreSQL, a leader and three replicas of ingest. A ramp finds the highest
rate at which the lag stays bounded; a share of it is held while replicas are killed in turn, all
but one, whose memory is followed. The exit status is 0 only where each sampled record has one row,
the memory of survivor and leader is flat, the lag recovers from each kill and no table is bloated.
"""

import argparse
import shutil
import signal
import sys
from pathlib import Path

import pytest

from bench.results.page import write_page
from bench.results.results_file import recorder_of
from tests.soak.__main__ import DOES_NOT_HOLD, HOLDS, SERVICE_MISSING
from tests.soak.endurance.conduct import Options, run_endurance
from tests.soak.endurance.report import figures, render, write_series


def main() -> int:
    """Run and print the result."""
    arguments = _parse()
    recorder = recorder_of("tests.soak.endurance", sys.argv[1:])
    folder: Path = arguments.folder
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is ended
    options = Options(
        seed=arguments.seed,
        seconds=60 * arguments.minutes,
        rate=arguments.rate,
        share=arguments.share,
        kill_every_seconds=arguments.kill_every,
        session_timeout=arguments.session_timeout,
    )
    try:
        result = run_endurance(options, folder, say=lambda text: print(text, flush=True))
    except (pytest.skip.Exception, pytest.fail.Exception) as absent:
        print(f"endurance: {absent}", file=sys.stderr)
        return SERVICE_MISSING
    report = render(result)
    (folder / "report.txt").write_text(report + "\n")
    write_series(result, folder)
    for name, text in figures(result):
        figure = f"{name}, {arguments.minutes:g} minutes"
        recorder.write("endurance", {"figure": figure, "measured": text})
    recorder.finish()
    write_page()
    shutil.rmtree(folder / "data", ignore_errors=True)  # the broker's; the logs stay
    print(f"\n{report}\nlogs: {folder}", flush=True)
    return HOLDS if result.holds else DOES_NOT_HOLD


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="time under kills")
    parser.add_argument("--rate", type=float, help="records a second; default: by the ramp")
    parser.add_argument("--share", type=float, default=0.8, help="of the ramp's highest rate")
    parser.add_argument("--kill-every", type=float, default=60.0, help="seconds between SIGKILLs")
    parser.add_argument("--session-timeout", default="10s", help="kafka.session_timeout")
    parser.add_argument("--seed", type=int, default=1, help="decides records and restarts")
    parser.add_argument("--folder", type=Path, default=Path("build/endurance"), help="for the logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
