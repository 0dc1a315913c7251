"""Benchmark runner, ``python -m bench [AREA]``: prints tables, writes build/bench.json.

It also writes the rows into the file of results, and docs/benchmarks.md from it. A quick run
(``DRIFTWARDEN_BENCH=quick``) does not.
"""

import argparse
import importlib
import os
import pkgutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bench
from bench.results.origin import make_command, present_origin
from bench.results.page import write_page
from bench.results.results_file import Recorder, value_of
from monitor.bench.row import Row, write_rows


def areas() -> list[str]:
    """Return the names of the areas: folders of bench/ with a module ``area`` that has ``run``."""
    folders = [module.name for module in pkgutil.iter_modules(bench.__path__) if module.ispkg]
    return sorted(name for name in folders if find_spec(f"bench.{name}.area"))


def table(area: str, rows: list[Row]) -> Table:
    grid = Table(title=area)
    for heading in ("figure", "value", "goal", "holds", "measured"):
        grid.add_column(heading)
    for row in rows:
        holds = {True: "yes", False: "NO", None: "-"}[row.holds]
        grid.add_row(row.name, value_of(row), row.goal or "-", holds, row.against)
    return grid


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    one_area = parser.add_mutually_exclusive_group()
    choices = areas()
    one_area.add_argument("area", nargs="?", choices=choices, help="run one area; default: all")
    one_area.add_argument("--area", dest="area_option", choices=choices, help="the same")
    parser.add_argument("--data", type=Path, help="folder of data sets; default: DRIFTWARDEN_DATA")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    arguments = parser.parse_args()
    folder = os.environ.get("DRIFTWARDEN_DATA", "")
    data = arguments.data or (Path(folder) if folder else None)
    console, progress = Console(), Console(stderr=True)
    rows: list[Row] = []
    chosen = arguments.area or arguments.area_option
    is_quick = os.environ.get("DRIFTWARDEN_BENCH") == "quick"
    origin = present_origin()
    for area in [chosen] if chosen else choices:
        command = make_command(area, with_data=data is not None)
        recorder = None if is_quick else Recorder(area, replace(origin, command=command))
        module = importlib.import_module(f"bench.{area}.area")
        quiet = getattr(module, "PRINTS_ITSELF", False)
        n_before = len(rows)
        for row in module.run(data):
            rows.append(row)
            # Printed and written at once: an area takes up to an hour.
            write_rows(arguments.output, rows)
            if recorder:
                recorder.add(row)
            if not quiet:
                progress.print(f"{row.name}: {value_of(row)}", highlight=False)
        if not quiet:
            console.print(table(area, rows[n_before:]))
        if recorder:
            recorder.finish()
            write_page()
    console.print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
