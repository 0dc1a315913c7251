"""Content of evaluation.yaml; names of metrics are checked where the metrics are loaded."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from monitor.errors import ConfigurationError
from monitor.settings.evaluation_file.document import FileEntry, read_document
from monitor.settings.evaluation_file.phrases import Limit, read_limit, read_loss, read_scale

BENCHMARK_KEYS = ("name", "dataset", "metrics", "stratify_by", "threshold")
HUMAN_KEYS = ("sample_size", "reviewers", "blind", "rating_scale", "dimensions")
MONITORING_KEYS = ("drift_detection", "sample_rate", "alert_threshold")
SHARED_KEYS = ("human_eval", "production_monitoring")


@dataclass(frozen=True)
class Threshold:
    """A limit of a metric on a benchmark."""

    metric: str
    limit: Limit
    line: int


@dataclass(frozen=True)
class BenchmarkPlan:
    """A benchmark of the file."""

    name: str
    #: A path relative to the file, or an address such as ``s3://bucket/key.jsonl``.
    dataset: str
    metrics: tuple[str, ...]
    #: Fields of its items whose values are reported as strata.
    stratify_by: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    line: int
    #: The line of each metric.
    metric_lines: tuple[int, ...] = ()

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Its metrics, those with only a threshold included."""
        return tuple(
            dict.fromkeys((*self.metrics, *(threshold.metric for threshold in self.thresholds)))
        )

    def line_of(self, metric: str) -> int:
        """Return the line of a metric, or of its threshold."""
        lines = {threshold.metric: threshold.line for threshold in self.thresholds}
        lines |= dict(zip(self.metrics, self.metric_lines, strict=False))
        return lines.get(metric, self.line)


@dataclass(frozen=True)
class HumanEvaluationPlan:
    """The human evaluation: blind ratings of responses."""

    sample_size: int = 100
    reviewers: int = 3
    blind: bool = True
    rating_scale: tuple[int, int] = (1, 5)
    dimensions: tuple[str, ...] = ("accuracy", "completeness", "tone", "compliance")


@dataclass(frozen=True)
class ProductionMonitoring:
    """The monitoring of production; where a value is ``None``, config.toml's applies."""

    drift_detection: Literal["weekly", "daily"] | None = None
    sample_rate: float | None = None
    alert_threshold: float | None = None

    def overrides(self) -> dict[str, str | float]:
        """Return the keys of ``[monitoring]`` that the file sets."""
        values = {key: getattr(self, key) for key in MONITORING_KEYS}
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True)
class EvaluationPlan:
    """The file."""

    origin: Path
    benchmarks: tuple[BenchmarkPlan, ...]
    human_eval: HumanEvaluationPlan | None
    production_monitoring: ProductionMonitoring

    def local_datasets(self) -> list[Path]:
        """Return the data sets that are local files."""
        datasets = (benchmark.dataset for benchmark in self.benchmarks)
        return [
            self.origin.parent / Path(dataset).expanduser()
            for dataset in datasets
            if "://" not in dataset
        ]

    def error(self, line: int, message: str) -> ConfigurationError:
        """Return an error that names file and line."""
        return ConfigurationError(f"{self.origin}, line {line}: {message}")


def read_plan(path: Path) -> EvaluationPlan:
    """Read and check an evaluation file.

    Raises:
        ConfigurationError: The file is missing or malformed, a key is unknown, or a value isn't
            allowed. The message names the line.
    """
    return parse_plan(_content(path), path)


def read_monitoring(path: Path) -> tuple[ProductionMonitoring, str]:
    """Read the monitoring of production, also from a file that no evaluation accepts.

    A broken file stops evaluations, not the monitoring: a sound ``production_monitoring`` applies
    whatever the other sections hold. If it can't be read either, the file sets nothing. The second
    value is the problem of the file; empty: none.
    """
    try:
        return read_plan(path).production_monitoring, ""
    except ConfigurationError as error:
        return _sound_monitoring(path), str(error)


def _sound_monitoring(path: Path) -> ProductionMonitoring:
    with suppress(ConfigurationError):
        top = read_document(_content(path), str(path)).mapping()
        below = top["evaluation"].mapping() if "evaluation" in top else {}
        return _monitoring((below | top).get("production_monitoring"))
    return ProductionMonitoring()


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such evaluation file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: not readable: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8") from None


def parse_plan(content: str, origin: Path) -> EvaluationPlan:
    """Check the content of an evaluation file. See :func:`read_plan`."""
    root = read_document(content, str(origin))
    top = root.mapping(("evaluation", *SHARED_KEYS))
    if "evaluation" not in top:
        raise root.error("no `evaluation:`")
    below = top["evaluation"].mapping(("benchmarks", *SHARED_KEYS))
    for key in SHARED_KEYS:
        if key in top and key in below:
            raise top[key].error(
                "stands under `evaluation:` and at the top level; keep one of them"
            )
    both = top | below
    if "benchmarks" not in below:
        raise top["evaluation"].error("no `benchmarks`")
    return EvaluationPlan(
        origin=origin,
        benchmarks=_benchmarks(below["benchmarks"]),
        human_eval=_human_evaluation(both["human_eval"]) if "human_eval" in both else None,
        production_monitoring=_monitoring(both.get("production_monitoring")),
    )


def _benchmarks(entry: FileEntry) -> tuple[BenchmarkPlan, ...]:
    plans: dict[str, BenchmarkPlan] = {}
    for item in entry.items():
        benchmark = _benchmark(item)
        if benchmark.name in plans:
            first = plans[benchmark.name].line
            raise item.error(f"repeated name: {benchmark.name!r}, first on line {first}")
        plans[benchmark.name] = benchmark
    if not plans:
        raise entry.error("no benchmark")
    return tuple(plans.values())


def _benchmark(item: FileEntry) -> BenchmarkPlan:
    fields = item.mapping(BENCHMARK_KEYS)
    for key in ("name", "dataset"):
        if key not in fields:
            raise item.error(f"no `{key}`")
    if "metrics" not in fields and "threshold" not in fields:
        raise item.error("no `metrics` and no `threshold`: nothing would be measured; add one")
    thresholds = fields["threshold"].mapping() if "threshold" in fields else {}
    return BenchmarkPlan(
        name=fields["name"].text(),
        dataset=fields["dataset"].text(),
        metrics=fields["metrics"].texts() if "metrics" in fields else (),
        stratify_by=fields["stratify_by"].texts() if "stratify_by" in fields else (),
        thresholds=tuple(
            Threshold(metric, read_limit(limit), limit.line) for metric, limit in thresholds.items()
        ),
        line=item.line,
        metric_lines=tuple(metric.line for metric in fields["metrics"].items())
        if "metrics" in fields
        else (),
    )


def _human_evaluation(entry: FileEntry) -> HumanEvaluationPlan:
    fields = entry.mapping(HUMAN_KEYS)
    default = HumanEvaluationPlan()
    blind = fields["blind"].boolean() if "blind" in fields else default.blind
    if not blind:
        raise fields["blind"].error(
            "must be true: raters who know whose a response is rate what they expect"
        )
    return HumanEvaluationPlan(
        sample_size=fields["sample_size"].count()
        if "sample_size" in fields
        else default.sample_size,
        reviewers=fields["reviewers"].count() if "reviewers" in fields else default.reviewers,
        blind=blind,
        rating_scale=read_scale(fields["rating_scale"])
        if "rating_scale" in fields
        else default.rating_scale,
        dimensions=fields["dimensions"].texts() if "dimensions" in fields else default.dimensions,
    )


def _monitoring(entry: FileEntry | None) -> ProductionMonitoring:
    if entry is None:
        return ProductionMonitoring()
    fields = entry.mapping(MONITORING_KEYS)
    rate, schedule = fields.get("sample_rate"), fields.get("drift_detection")
    if rate is not None and not 0 < rate.number() <= 1:
        raise rate.error(f"must be more than 0 and at most 1, not {rate.number():g}")
    return ProductionMonitoring(
        drift_detection=_schedule(schedule) if schedule is not None else None,
        sample_rate=rate.number() if rate is not None else None,
        alert_threshold=read_loss(fields["alert_threshold"])
        if "alert_threshold" in fields
        else None,
    )


def _schedule(entry: FileEntry) -> Literal["weekly", "daily"]:
    text = entry.text()
    if text == "weekly":
        return "weekly"
    if text == "daily":
        return "daily"
    raise entry.error(f"must be weekly or daily, not {text!r}")
