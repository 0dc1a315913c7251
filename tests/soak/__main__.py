"""`python -m tests.soak`: exactly one row per sampled record, whatever dies when.

Starts its own Kafka and PostgreSQL, produces, runs one to three daemons, strikes them and the
services by a plan that the seed decides, and holds what is stored against what was produced. The
exit status is 0 only where nothing is lost, doubled or wrong and every gap is exact.
"""

import argparse
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.soak.conduct import run_soak
from tests.soak.plan import make_plan
from tests.soak.report import render

HOLDS, DOES_NOT_HOLD, SERVICE_MISSING = 0, 1, 2


def main() -> int:
    """Run a soak and print its result."""
    arguments = _parse()
    folder: Path = arguments.folder / f"seed-{arguments.seed}"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is ended
    plan = make_plan(arguments.seed, seconds=arguments.seconds, n_kills=arguments.kills)
    try:
        result = run_soak(
            plan,
            folder,
            records_per_second=arguments.rate,
            say=lambda text: print(text, flush=True),
            warm=arguments.warm,
        )
    except (pytest.skip.Exception, pytest.fail.Exception) as absent:
        print(f"soak: {absent}", file=sys.stderr)
        return SERVICE_MISSING
    report = render(result)
    (folder / "report.txt").write_text(report + "\n")
    shutil.rmtree(folder / "data", ignore_errors=True)  # the broker's; the logs stay
    print(f"\n{report}\nlogs: {folder}", flush=True)
    return HOLDS if result.holds else DOES_NOT_HOLD


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides records, faults and kills")
    parser.add_argument("--kills", type=int, default=55, help="SIGKILLs at random moments")
    parser.add_argument("--seconds", type=float, default=540.0, help="time that faults strike in")
    parser.add_argument("--rate", type=float, default=400.0, help="records produced a second")
    parser.add_argument(
        "--warm", action="store_true", help="fork daemons from the test run's warm interpreter"
    )
    parser.add_argument("--folder", type=Path, default=Path("build/soak"), help="for the logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
