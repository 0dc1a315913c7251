"""The benchmark of input drift, from the data to the last figure."""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from bench.drift.code_digest import module_digest
from bench.drift.ledger import Ledger, LedgerRunner, data_digest
from bench.drift.sections.output import output
from bench.drift.sections.release import release
from bench.drift.sections.scaling import gpu, scaling
from bench.drift.sections.side_by_side import side_by_side
from bench.drift.sections.slow_drift import slow_drift
from bench.drift.sections.speed import speed
from bench.drift.sources.releases import Releases, read_releases
from bench.drift.sources.synthetic import make_synthetic
from monitor.bench.campaign import Campaign
from monitor.bench.drifted_share import drifted_share
from monitor.bench.encoding import encode_cached
from monitor.bench.false_alarms import false_alarms
from monitor.bench.figure import Figure
from monitor.bench.labelled import Labelled
from monitor.bench.location import location
from monitor.bench.plan import DEFAULT, Plan, Section
from monitor.bench.power import power
from monitor.bench.report import Report, Table, summary
from monitor.bench.texts import read_texts
from monitor.bench.workers import TrialRunner, Workers
from monitor.settings import Settings

#: The bound's errors are counted over the windows of the sections before it.
STUDIES: dict[Section, tuple[str, Callable[[Campaign], Iterator[Figure | Table]]]] = {
    Section.FALSE_ALARMS: ("False alarms", false_alarms),
    Section.POWER: ("Power", power),
    Section.LOCATION: ("What is pointed at", location),
    Section.MASS: ("Drifted mass", drifted_share),
    Section.OUTPUT: ("Output given the input", output),
    Section.SLOW_DRIFT: ("Slow drift", slow_drift),
    Section.PEERS: ("Side by side", side_by_side),
}


@dataclass(frozen=True)
class Data:
    """A named data set."""

    name: str
    labelled: Labelled
    #: Names the labelled data in a ledger.
    digest: str
    #: ``None`` where the folder holds none, or none are asked for.
    releases: Releases | None = None


def load_data(
    folder: Path, settings: Settings, sections: Sequence[Section] = tuple(Section)
) -> Data:
    """Read the data set that a folder holds, and encode what the sections draw from.

    Raises:
        InputError: The folder holds no data set that can be read.
        ModelError: The encoder can't be loaded.
    """
    read = read_texts(folder, settings.traffic)
    encoded = encode_cached(read.texts, settings.embedding)
    labelled = Labelled(encoded.vectors, read.topics, read.domains)
    digest = data_digest(encoded.digest, read.topics, read.domains)
    has_releases = Section.RELEASE in sections
    releases = read_releases(folder, settings.embedding) if has_releases else None
    return Data(read.name, labelled, digest, releases)


def _synthetic_data(seed: int) -> Data:
    maker = module_digest(make_synthetic.__module__)
    return Data("synthetic", make_synthetic(seed), data_digest(f"seed {seed}", maker))


def run_benchmark(
    given: Data | None,
    plan: Plan,
    report: Report,
    *,
    seed: int,
    sections: Sequence[Section] = tuple(Section),
    ledger: Ledger | None = None,
    n_processes: int | None = None,
) -> None:
    """Measure everything, on the given data set and on a synthetic one.

    Args:
        given: ``None``: on the synthetic one only.
        plan: How much is measured.
        report: Is given each figure as it comes.
        seed: Of the first trial; trial k has ``seed + k``.
        sections: The parts to measure.
        ledger: Where trials are kept; ``None``: nowhere.
        n_processes: Trials that run at once; ``None``: one on each core.
    """
    report.title("Input drift")
    report.note(describe(plan, seed))
    synthetic = _synthetic_data(seed)
    with (
        tempfile.TemporaryDirectory(prefix="driftwarden-bench-") as folder,
        Workers(n_processes) as pool,
    ):
        for number, data in enumerate([given, synthetic] if given else [synthetic]):
            place = Path(folder) / str(number)
            data.labelled.save(place)
            own = plan if number == 0 else plan.second()
            workers = _recorded(pool, ledger, data.digest)
            campaign = Campaign(
                data.name, place, workers, own, seed, has_power_goals=data is not synthetic
            )
            n, n_novel = len(data.labelled.in_scope), len(data.labelled.out_of_scope)
            report.subject = data.name
            report.title(f"{data.name}: {n:,} samples in scope, {n_novel:,} out of scope", 3)
            for section in (section for section in STUDIES if section in sections):
                title, measure = STUDIES[section]
                report.title(title, 4)
                for item in measure(campaign):
                    report.add(item)
            if data.releases and Section.RELEASE in sections:
                report.title("A new release", 4)
                path = place / "releases.npz"
                data.releases.save(path)
                workers = _recorded(pool, ledger, data_digest(data.releases.digest))
                for figure in release(data.releases, path, workers, own, seed):
                    report.add(figure)
    if ledger is not None and ledger.n_ignored:
        report.note(f"{ledger.n_ignored:,} trials of other code in the ledger were not used.")
    # The pool is gone: what is timed now has the machine to itself.
    report.subject = synthetic.name
    if Section.SPEED in sections:
        report.title("Speed against the kernel tests, synthetic data, all cores", 3)
        for figure in speed(plan, seed):
            report.add(figure)
    if Section.SCALING in sections:
        report.title("Cost against the number of samples, synthetic data, all cores", 3)
        for figure in chain(scaling(plan, seed), gpu(seed)):
            report.add(figure)
    report.note(summary(report.figures))


def _recorded(workers: Workers, ledger: Ledger | None, digest: str) -> TrialRunner:
    return workers if ledger is None else LedgerRunner(workers, ledger, digest)


def describe(plan: Plan, seed: int) -> str:
    """Say what was run, on what."""
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("driftwarden", "numpy", "torch", "evidently")
    )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    cores = os.cpu_count() or 1
    busy = f" Other work is running (load {load:.1f}): times are upper bounds." if load > 1 else ""
    few = " Few trials: read the intervals." if plan.row_seconds < DEFAULT.row_seconds else ""
    return (
        f"Plan `{plan.name}`, seed {seed}; {cores} CPU cores, "
        f"Python {platform.python_version()}, {versions}.{few}{busy}"
    )
