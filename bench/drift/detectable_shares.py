"""``python -m bench.drift.detectable_shares``: the stored table of detectable shares.

For each pair of sizes and kind of drift, windows of labelled prompts are drawn and compared by the
trials of ``driftwarden bench drift``, at shares that a search chooses. The windows are kept in a
ledger, from which an interrupted run continues; the table is written from the whole ledger.
"""

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from bench.drift.sources.synthetic import make_synthetic
from bench.results.page import write_page
from bench.results.results_file import recorder_of
from monitor.bench.benchmark import load_data
from monitor.bench.trial import Trial, run_trial
from monitor.bench.windows import Kind, WindowSpec
from monitor.drift.power.share_search import LARGEST_SHARE, FoundShare, ShareSearch
from monitor.drift.power.table import TABLE_FILE
from monitor.settings import Drift, load_settings
from monitor.statistics.alarm_levels import DEFAULT_LEVELS

SIZES = (100, 700, 5_000)
#: The kinds of the table, and their kinds in the benchmark.
KINDS: dict[str, Kind] = {"scattered": "oos", "new_topic": "topic"}
#: Texts of CLINC150 out of scope, and of an intent.
N_TEXTS = {"scattered": 1_200, "new_topic": 150}
#: A prior median of the share with 1,000 samples a side, and the power of the harmonic mean of the
#: sizes that it falls with; wide enough to be overruled by some ten windows.
PRIORS = {"scattered": 0.05, "new_topic": 0.025}
PRIOR_EXPONENT, PRIOR_SPREAD = -0.6, 0.5
#: A search ends with an interval as narrow as this, or after as many windows.
GOAL_RATIO, MAX_WINDOWS = 2.0, 24
FIRST_SEED = 70_000
#: A cheap cell on synthetic data, which a test measures again with other seeds.
CHECKED_SAMPLES, CHECKED_NOVEL = 3_000, 200


@dataclass(frozen=True)
class Cell:
    """Sizes and a kind of drift."""

    kind: str
    n_reference: int
    n_current: int

    @property
    def prior(self) -> float:
        """Return the prior median of the share."""
        harmonic = 2 / (1 / self.n_reference + 1 / self.n_current)
        return float(min(0.5, PRIORS[self.kind] * (harmonic / 1_000) ** PRIOR_EXPONENT))

    @property
    def largest(self) -> float:
        """Return the largest share that CLINC150 has the texts for."""
        return min(LARGEST_SHARE, N_TEXTS[self.kind] / self.n_current)


@dataclass(frozen=True)
class Drawn:
    """A window of a search, as in the ledger."""

    kind: str
    n_reference: int
    n_current: int
    seed: int
    share: float
    p_value: float
    estimate: float

    def alarms(self, alpha: float, min_drifted_share: float) -> bool:
        """Return whether the window alarms at a level."""
        return self.p_value <= alpha and self.estimate >= min_drifted_share


CHECKED_CELL = Cell("new_topic", 200, 200)


def search_cell(
    folder: Path,
    cell: Cell,
    windows: list[Drawn],
    ledger: Path | None = None,
    first_seed: int = FIRST_SEED,
) -> FoundShare:
    """Draw windows until the share of a cell is results; windows of the ledger come first."""
    drift = Drift()
    search = ShareSearch(cell.prior, PRIOR_SPREAD)
    for window in windows:
        search.add(window.share, alarm=window.alarms(DEFAULT_LEVELS.input, drift.min_drifted_share))
    for seed in range(first_seed + len(windows), first_seed + MAX_WINDOWS):
        result = search.result()
        if len(windows) >= MAX_WINDOWS // 3 and result.ratio <= GOAL_RATIO:
            break
        n_new = max(1, round(search.next_share(cell.largest) * cell.n_current))
        share = n_new / cell.n_current
        spec = WindowSpec(KINDS[cell.kind], cell.n_reference, cell.n_current, share)
        outcome = run_trial(Trial(folder, spec, seed))
        window = Drawn(
            cell.kind,
            cell.n_reference,
            cell.n_current,
            seed=seed,
            share=share,
            p_value=outcome.p_value,
            estimate=outcome.estimate,
        )
        windows.append(window)
        search.add(share, alarm=window.alarms(DEFAULT_LEVELS.input, drift.min_drifted_share))
        if ledger is not None:
            with ledger.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(window)) + "\n")
    return search.result()


def search_checked_cell(folder: Path, first_seed: int = FIRST_SEED) -> FoundShare:
    """Return the share of the checked cell, on synthetic data that is written to the folder."""
    make_synthetic(0, n_in_scope=CHECKED_SAMPLES, n_novel=CHECKED_NOVEL).save(folder)
    return search_cell(folder, CHECKED_CELL, [], first_seed=first_seed)


def read_ledger(ledger: Path) -> dict[Cell, list[Drawn]]:
    """Return the windows of each cell, in the order of their seeds."""
    cells: dict[Cell, list[Drawn]] = {}
    if ledger.is_file():
        for line in ledger.read_text(encoding="utf-8").splitlines():
            window = Drawn(**json.loads(line))
            cell = Cell(window.kind, window.n_reference, window.n_current)
            cells.setdefault(cell, []).append(window)
    return cells


def write_table(
    path: Path, results: dict[Cell, FoundShare], checked: FoundShare, data_name: str
) -> None:
    """Write the table that the package reads."""
    table = {
        "data": data_name,
        "alpha": DEFAULT_LEVELS.input,
        "min_drifted_share": Drift().min_drifted_share,
        "rows": [_row(cell, result) for cell, result in results.items()],
        "checked": _row(CHECKED_CELL, checked),
    }
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _row(cell: Cell, result: FoundShare) -> dict[str, float | str]:
    return (
        asdict(cell)
        | {name: round(getattr(result, name), 5) for name in ("share", "lower", "upper")}
        | {"n_windows": result.n_windows, "n_alarms": result.n_alarms}
    )


def main(
    *,
    data: Annotated[Path, typer.Option(envvar="DRIFTWARDEN_DATA", help="Folder with CLINC150.")],
    ledger: Annotated[Path, typer.Option(help="File of drawn windows, to continue from.")],
    table: Annotated[Path, typer.Option(help="File of the table.")] = TABLE_FILE,
) -> None:
    """Search the share of every cell, the cheapest first, and write the table."""
    recorder = recorder_of("bench.drift.detectable_shares", sys.argv[1:])
    labelled = load_data(data, load_settings())
    windows = read_ledger(ledger)
    cells = [Cell(kind, *sizes) for kind, *sizes in product(KINDS, SIZES, SIZES)]
    # The package reads a missing cell as that of the next smaller window.
    cells = [cell for cell in cells if cell.prior < 0.8 * cell.largest]
    cells.sort(key=lambda cell: cell.n_reference + cell.n_current)
    results: dict[Cell, FoundShare] = {}
    with tempfile.TemporaryDirectory(prefix="driftwarden-bench-") as place:
        folder = Path(place)
        labelled.labelled.save(folder)
        for cell in cells:
            results[cell] = search_cell(folder, cell, windows.get(cell, []), ledger)
            result = results[cell]
            name = f"{cell.kind}, {cell.n_reference:,} against {cell.n_current:,}"
            text = f"{result.share:.2%} ({result.lower:.2%} to {result.upper:.2%})"
            typer.echo(f"{name}: {text}, {result.n_windows} windows")
            if table == TABLE_FILE:
                windows_of = f"{result.n_windows} windows"
                figure = {"figure": name, "measured": text, "how": windows_of}
                recorder.write("detectable-shares", figure)
        checked = search_checked_cell(folder / "synthetic")
    write_table(table, results, checked, labelled.name)
    recorder.finish()
    write_page()


if __name__ == "__main__":
    typer.run(main)
