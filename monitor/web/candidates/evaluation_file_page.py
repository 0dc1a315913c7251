"""Page of the evaluation file: its benchmarks and rules, and a check of its data sets."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from monitor.errors import ConfigurationError, InputError, MetricError, TransientError
from monitor.settings import Retrain
from monitor.settings.evaluation_file import EvaluationPlan, read_plan
from monitor.web.access.audience import LEADS
from monitor.web.current_user import Visit
from monitor.web.handlers import get
from retrain.evaluation.benchmark import Benchmark, load_benchmarks
from retrain.evaluation.judge.chat_client import judge_of
from retrain.evaluation.metrics.catalogue import MetricModels


@dataclass(frozen=True)
class LoadedFigures:
    """Number of items of a benchmark, by split and stratum, with remarks."""

    n: int
    #: Split -> items, and stratum -> items.
    splits: dict[str, int]
    strata: dict[str, int]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class FileView:
    """The evaluation file of a model."""

    model: str
    #: Empty: none is configured.
    path: str
    plan: EvaluationPlan | None = None
    #: Benchmark -> figures; empty: not loaded.
    loaded: dict[str, LoadedFigures] | None = None
    problem: str = ""


@get("/candidate-evaluations/file", opt=LEADS)
def evaluation_file(lead_visit: NamedDependency[Visit], check: FromQuery[bool] = False) -> Template:
    """Show the evaluation file of each model; with ``check`` its data sets are loaded too."""
    models = [model for model in lead_visit.settings.names.listed if model in lead_visit.scope]
    files = [
        _view(model, lead_visit.settings.settings_of(model).retrain, load=check) for model in models
    ]
    return lead_visit.page("evaluation_file.html", {"files": files, "checked": check})


def _view(model: str, retrain: Retrain, *, load: bool) -> FileView:
    path = retrain.evaluation
    if not path:
        return FileView(model, "")
    plan = None
    try:
        plan = read_plan(Path(path))
        loaded = _load(plan, retrain) if load else None
    except (ConfigurationError, InputError, MetricError, TransientError) as error:
        return FileView(model, path, plan, problem=str(error))
    return FileView(model, path, plan, loaded)


def _load(plan: EvaluationPlan, retrain: Retrain) -> dict[str, LoadedFigures]:
    with judge_of(retrain.judge, "") as judge:  # asked for nothing here
        models = MetricModels.from_settings(retrain.scoring, judge=judge)
        benchmarks = load_benchmarks(plan, models)
    return {benchmark.name: _figures(benchmark) for benchmark in benchmarks}


def _figures(benchmark: Benchmark) -> LoadedFigures:
    strata = Counter(
        f"{field}: {item.stratum_of(field) or 'none'}"
        for item in benchmark.items
        for field in benchmark.plan.stratify_by
    )
    return LoadedFigures(
        n=len(benchmark.items),
        splits=dict(sorted(Counter(item.split for item in benchmark.items).items())),
        strata=dict(sorted(strata.items())),
        remarks=tuple(benchmark.remarks()),
    )


HANDLERS = (evaluation_file,)
