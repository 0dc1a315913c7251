"""The whole benchmark of drift, on a given data set and on a synthetic one."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.drift.code_digest import module_digest
from bench.drift.ledger import Ledger, LedgerRunner, data_digest
from bench.drift.plan import DriftPlan, Section
from bench.drift.sections.looks import looks
from bench.drift.sections.output import output
from bench.drift.sections.release import release
from bench.drift.sections.scaling import gpu, scaling
from bench.drift.sections.side_by_side import side_by_side
from bench.drift.sections.slow_drift import slow_drift
from bench.drift.sections.speed import speed
from bench.drift.sections.years import years
from bench.drift.sources.releases import Releases, read_releases
from bench.drift.sources.synthetic import make_synthetic
from bench.drift.sources.traffic import save_texts
from monitor.bench import benchmark as shipped
from monitor.bench.benchmark import LabelledData, describe_environment, title_data_set
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure
from monitor.bench.report import Report, Table, summarize
from monitor.bench.workers import TrialRunner, Workers
from monitor.settings import Sections

#: Title and measurement of the sections on one data set, after those that ship with the package.
SECTIONS: dict[Section, tuple[str, Callable[[Campaign, DriftPlan], Iterator[Figure | Table]]]] = {
    Section.OUTPUT: ("Output given the input", output),
    Section.SLOW_DRIFT: ("Slow drift", slow_drift),
    Section.LOOKS: ("Large changes within a day", looks),
    Section.YEARS: ("Drift-free years", years),
    Section.PEERS: ("Side by side", side_by_side),
}


@dataclass(frozen=True)
class BenchmarkData:
    """A data set of labelled prompts, and responses of several releases where it has any."""

    labelled: LabelledData
    releases: Releases | None = None


def load_data(
    folder: Path, settings: Sections, sections: Sequence[Section] = tuple(Section)
) -> BenchmarkData:
    """Read the data set in a folder and embed the texts of the sections.

    Raises:
        InputError: The folder contains no data set that can be read.
        ModelError: The encoder can't be loaded.
    """
    labelled = shipped.load_data(folder, settings)
    has_releases = Section.RELEASE in sections
    releases = read_releases(folder, settings.embedding) if has_releases else None
    return BenchmarkData(labelled, releases)


def _synthetic_data(seed: int) -> BenchmarkData:
    digest = f"seed {seed} {module_digest(make_synthetic.__module__)}"
    return BenchmarkData(LabelledData("synthetic", make_synthetic(seed), digest))


def run_benchmark(
    data: BenchmarkData | None,
    plan: DriftPlan,
    report: Report,
    *,
    seed: int,
    sections: Sequence[Section] = tuple(Section),
    ledger: Ledger | None = None,
    n_processes: int | None = None,
) -> None:
    """Measure the drift tests and their peers, on a data set and on a synthetic one.

    Args:
        data: ``None``: on the synthetic one only.
        plan: Numbers of trials.
        report: Receives each figure as it is measured.
        seed: Seed of the first trial; trial k has ``seed + k``.
        sections: The sections to measure.
        ledger: Storage of finished trials; ``None``: they aren't stored.
        n_processes: Number of trials that run at once; ``None``: one per core.
    """
    report.title("Input drift")
    report.note(describe_environment(plan, seed, packages=("evidently",)))
    synthetic = _synthetic_data(seed)
    with (
        tempfile.TemporaryDirectory(prefix="driftwarden-bench-") as folder,
        Workers(n_processes) as workers,
    ):
        for number, source in enumerate([data, synthetic] if data else [synthetic]):
            place = Path(folder) / str(number)
            source.labelled.labelled.save(place)
            if source.labelled.texts:
                save_texts(source.labelled.texts, place)
            _measure_data_set(
                source,
                place,
                plan if number == 0 else plan.second(),
                report,
                seed=seed,
                sections=sections,
                workers=workers,
                ledger=ledger,
                has_power_goals=source is not synthetic,
            )
    if ledger is not None and ledger.n_ignored:
        report.note(f"{ledger.n_ignored:,} trials of other code in the ledger were not used.")
    # The workers have ended: what is timed now has the machine to itself.
    report.subject = synthetic.labelled.name
    if Section.SPEED in sections:
        report.title("Speed against the kernel tests, synthetic data, all cores", 3)
        for figure in speed(plan, seed):
            report.add(figure)
    if Section.SCALING in sections:
        report.title("Cost against the number of samples, synthetic data, all cores", 3)
        for figure in chain(scaling(plan, seed), gpu(seed)):
            report.add(figure)
    report.note(summarize(report.figures))


def _measure_data_set(
    source: BenchmarkData,
    place: Path,
    plan: DriftPlan,
    report: Report,
    *,
    seed: int,
    sections: Sequence[Section],
    workers: Workers,
    ledger: Ledger | None,
    has_power_goals: bool,
) -> None:
    data = source.labelled
    digest = data_digest(data.digest, data.labelled.topics, data.labelled.domains)
    runner = _ledger_runner(workers, ledger, digest)
    campaign = Campaign(data.name, place, runner, plan, seed, has_power_goals=has_power_goals)
    title_data_set(report, data.name, data.labelled)
    for section, (title, measure) in shipped.SECTIONS.items():
        if Section(section.value) in sections:
            report.title(title, 4)
            for figure in measure(campaign):
                report.add(figure)
    for own_section, (title, measure_own) in SECTIONS.items():
        if own_section in sections:
            report.title(title, 4)
            for item in measure_own(campaign, plan):
                report.add(item)
    if source.releases and Section.RELEASE in sections:
        report.title("A new release", 4)
        path = place / "releases.npz"
        source.releases.save(path)
        runner = _ledger_runner(workers, ledger, data_digest(source.releases.digest))
        for figure in release(source.releases, path, runner, plan, seed):
            report.add(figure)


def _ledger_runner(workers: Workers, ledger: Ledger | None, digest: str) -> TrialRunner:
    return workers if ledger is None else LedgerRunner(workers, ledger, digest)
