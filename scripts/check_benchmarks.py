"""Check of the figures of docs/benchmarks.md: `make check` runs this.

It lists the rows whose code has changed since they were measured, which is no fault until a
release. A figure that was typed by hand, or a row that is there twice, is one.
"""

import sys

from bench.results.age import old_tables
from bench.results.results_file import faults, read_results


def main() -> int:
    """List old rows; return 1 if a row isn't as it was measured."""
    results = read_results()
    for table in old_tables(results):
        sys.stdout.write(f"old figures: {table}\n")
    wrong = faults(results)
    for line in wrong:
        sys.stderr.write(f"bench/results/results.jsonl: {line}; measure it again\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
