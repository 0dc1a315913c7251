"""``python -m bench [AREA] [--data DIR]``: print tables, write build/bench.json."""

import argparse
import importlib
import os
import pkgutil
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bench
from monitor.bench.row import Row, write_rows

#: Modules that measure nothing.
SUPPORT = {"__main__", "row"}


def areas() -> list[str]:
    found = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    return sorted(
        name
        for name in found
        if name not in SUPPORT and hasattr(importlib.import_module(f"bench.{name}"), "run")
    )


def table(area: str, rows: list[Row]) -> Table:
    made = Table(title=area)
    for heading in ("figure", "value", "goal", "holds", "measured"):
        made.add_column(heading)
    for row in rows:
        holds = {True: "yes", False: "NO", None: "-"}[row.holds]
        made.add_row(row.name, value_of(row), row.goal or "-", holds, row.against)
    return made


def value_of(row: Row) -> str:
    return "not measured" if row.value is None else f"{row.value:.4g} {row.unit}".strip()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    one_area = parser.add_mutually_exclusive_group()
    choices = areas()
    one_area.add_argument("area", nargs="?", choices=choices, help="run one area; default: all")
    one_area.add_argument("--area", dest="area_option", choices=choices, help="the same")
    parser.add_argument("--data", type=Path, help="folder of data sets; default: DRIFTWARDEN_DATA")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    arguments = parser.parse_args()
    named = os.environ.get("DRIFTWARDEN_DATA", "")
    data = arguments.data or (Path(named) if named else None)
    console, aside = Console(), Console(stderr=True)
    measured: list[Row] = []
    chosen = arguments.area or arguments.area_option
    for area in [chosen] if chosen else choices:
        module = importlib.import_module(f"bench.{area}")
        quiet = getattr(module, "PRINTS_ITSELF", False)
        before = len(measured)
        for row in module.run(data):
            measured.append(row)
            # Said and kept at once: an area takes up to an hour.
            write_rows(arguments.output, measured)
            if not quiet:
                aside.print(f"{row.name}: {value_of(row)}", highlight=False)
        if not quiet:
            console.print(table(area, measured[before:]))
    console.print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
