"""Benchmark of the input drift tests on labelled prompts, from the data to the last figure."""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from monitor.bench.campaign import Campaign
from monitor.bench.drifted_share import drifted_share
from monitor.bench.encoding import encode_cached
from monitor.bench.false_alarms import false_alarms
from monitor.bench.figure import Figure
from monitor.bench.labelled import Labelled
from monitor.bench.location import location
from monitor.bench.plan import DEFAULT, Plan, Section
from monitor.bench.power import power
from monitor.bench.report import Report, summarize
from monitor.bench.seeds import seeds
from monitor.bench.texts import read_texts
from monitor.bench.workers import Workers
from monitor.extras import is_installed
from monitor.settings import Sections

#: Title and measurement of each section. The errors of the bound are counted over the windows of
#: the sections before it.
SECTIONS: dict[Section, tuple[str, Callable[[Campaign], Iterator[Figure]]]] = {
    Section.FALSE_ALARMS: ("False alarms", false_alarms),
    Section.POWER: ("Power", power),
    Section.LOCATION: ("Localisation", location),
    Section.DRIFTED_SHARE: ("Drifted share", drifted_share),
    Section.SEEDS: ("Seeds", seeds),
}


@dataclass(frozen=True)
class LabelledData:
    """A named data set with its embeddings."""

    name: str
    labelled: Labelled
    #: Digest of the texts and the encoder.
    digest: str
    #: The prompts; none where the vectors are not of texts.
    texts: Sequence[str] = ()


def load_data(folder: Path, settings: Sections) -> LabelledData:
    """Read the data set in a folder and embed its prompts.

    Raises:
        InputError: The folder contains no data set that can be read.
        ModelError: The encoder can't be loaded.
    """
    texts = read_texts(folder, settings.traffic)
    encoded = encode_cached(texts.texts, settings.embedding)
    labelled = Labelled(encoded.vectors, texts.topics, texts.domains)
    return LabelledData(texts.name, labelled, encoded.digest, texts.texts)


def run_benchmark(
    data: LabelledData,
    plan: Plan,
    report: Report,
    *,
    seed: int,
    sections: Sequence[Section] = tuple(Section),
    n_processes: int | None = None,
) -> None:
    """Measure the drift tests on a data set.

    Trial k has the seed ``seed + k``. Without ``n_processes`` as many trials run at once as there
    are cores.
    """
    report.title("Input drift")
    report.note(describe_environment(plan, seed))
    with (
        tempfile.TemporaryDirectory(prefix="driftwarden-bench-") as folder,
        Workers(n_processes) as workers,
    ):
        data.labelled.save(Path(folder))
        campaign = Campaign(data.name, Path(folder), workers, plan, seed)
        title_data_set(report, data.name, data.labelled)
        for section, (title, measure) in SECTIONS.items():
            if section in sections:
                report.title(title, 4)
                for figure in measure(campaign):
                    report.add(figure)
    report.note(summarize(report.figures))


def title_data_set(report: Report, name: str, labelled: Labelled) -> None:
    """Begin the part of a report that is about one data set."""
    report.subject = name
    n, n_novel = len(labelled.in_scope), len(labelled.out_of_scope)
    report.title(f"{name}: {n:,} samples in scope, {n_novel:,} out of scope", 3)


def describe_environment(plan: Plan, seed: int, packages: Sequence[str] = ()) -> str:
    """Return the plan, the seed, the machine and the versions of the packages, as a sentence."""
    versions = ", ".join(
        f"{name} {version(name)}"
        for name in ("driftwarden", "numpy", "torch", *packages)
        if name != "torch" or is_installed(name)
    )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    cores = os.cpu_count() or 1
    busy = f" Other work is running (load {load:.1f}): times are upper bounds." if load > 1 else ""
    few = " Few trials: read the intervals." if plan.row_seconds < DEFAULT.row_seconds else ""
    return (
        f"Plan `{plan.name}`, seed {seed}; {cores} CPU cores, "
        f"Python {platform.python_version()}, {versions}.{few}{busy}"
    )
