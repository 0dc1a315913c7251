"""The demo on one's own exchanges: detection, report and queue, without a language model."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from monitor.daemon.follow_up import follow_up
from monitor.demo.console import Narrator, figures
from monitor.demo.reports import write_reports
from monitor.demo.workspace import (
    Workspace,
    last_window_end,
    open_database,
    prepare_folder,
    write_config,
)
from monitor.errors import InputError
from monitor.plurals import pluralize
from monitor.settings import Settings, default_settings
from monitor.store.engine import transaction
from monitor.store.review.items import batch_of_evaluation, count_by_status
from monitor.store.windows.assessment import FamilyAssessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id
from monitor.traffic.exchange import Exchange

#: Bad lines that are shown one by one.
SHOWN_BAD_LINES = 5


def run_own_traffic(traffic: Path, baseline: Path, folder: Path, narrator: Narrator) -> bool:
    """Tell what drifted in a file of exchanges, against a file of reference exchanges.

    Args:
        traffic: Exchanges in the plain form; their timestamps say which week they belong to.
        baseline: The reference exchanges. They may name another release of the model.
        folder: Where the database and the reports go.
        narrator: Tells the story.

    Returns:
        Whether every window could be judged.

    Raises:
        InputError: A file can't be read, holds nothing usable, or lies in a folder of an earlier
            demo, which is emptied.
    """
    from monitor.embedding.encoder import load_encoder

    reference = _read(baseline, narrator)
    model = _watched_model(_read(traffic, narrator), narrator)
    place = prepare_folder(folder, read=(traffic, baseline))
    settings = _settings(place, model)
    write_config(place, settings)
    narrator.chapter("Your exchanges")
    with narrator.step("load the encoder"):
        encoder = load_encoder(settings.embedding)
    stage = Workspace(place, settings, open_database(settings), encoder, narrator)
    _import_baseline(stage, reference)
    _replay(stage, traffic)
    narrator.chapter("What drifted")
    evaluated = _evaluate(stage)
    _summarise(stage, evaluated)
    return bool(evaluated) and all(one.verdict != "not_enough_data" for one in evaluated)


def _read(path: Path, narrator: Narrator) -> list[Exchange]:
    from monitor.traffic.file_source import read_exchanges
    from monitor.traffic.redaction import build_redactor

    defaults = Settings()
    content = read_exchanges(
        path,
        defaults.traffic,
        default_model=defaults.model.name,
        redactor=build_redactor(defaults.redaction),
    )
    if not content.exchanges:
        first = f": {content.bad_lines[0]}" if content.bad_lines else ""
        raise InputError(f"{path}: no line is an exchange{first}")
    narrator.say(f"{path.name}: {len(content.exchanges):,} exchanges")
    for bad in content.bad_lines[:SHOWN_BAD_LINES]:
        narrator.quote(str(bad), title="left out")
    left = len(content.bad_lines) - SHOWN_BAD_LINES
    if left > 0:
        narrator.say(f"  and {pluralize(left, 'more line')} left out")
    return content.exchanges


def _watched_model(exchanges: list[Exchange], narrator: Narrator) -> str:
    counts = Counter(exchange.model for exchange in exchanges)
    (model, n), *others = counts.most_common()
    if others:
        narrator.say(
            f"The traffic names {len(counts)} models; {model!r} is watched ({n:,} exchanges), "
            "the others are stored only."
        )
    return model


def _settings(folder: Path, model: str) -> Settings:
    return default_settings(
        model={"name": model},
        database={"url": f"sqlite:///{folder.absolute() / 'driftwarden.db'}"},
        monitoring={"sample_rate": 1.0},
    )


def _import_baseline(stage: Workspace, exchanges: list[Exchange]) -> None:
    from monitor.traffic.baseline_import import store_baseline

    with stage.narrator.step("embed and store the baseline"):
        store_baseline(
            stage.engine,
            stage.encoder,
            exchanges,
            model=stage.settings.model.name,
            now=datetime.now(UTC),
        )


def _replay(stage: Workspace, traffic: Path) -> None:
    from monitor.traffic.file_replay import replay_file

    with traffic.open("rb") as file:
        n_lines = sum(1 for _ in file)
    done = 0
    with stage.narrator.step("embed and store the traffic", n_lines) as step:

        def advance(n: int) -> None:
            nonlocal done
            done += n
            step.update(done)

        replay_file(stage.engine, stage.settings, stage.encoder, traffic, progress=advance)


def _evaluate(stage: Workspace) -> list[DriftEvaluationRow]:
    """Evaluate window by window, as the daemon would have, week for week."""
    from monitor.store.traffic.exchanges import first_exchange_at
    from monitor.windows.evaluation import evaluate_window
    from monitor.windows.report.terminal import print_assessment
    from monitor.windows.schedule import due_windows

    model = stage.settings.model.name
    until = last_window_end(stage.engine, model)
    with transaction(stage.engine) as connection:
        first = first_exchange_at(connection, model)
    evaluated = []
    for start, end in due_windows(first or until, until, stage.settings.monitoring.drift_detection):
        with stage.narrator.step(f"evaluate the week of {start:%d %B %Y}"):
            evaluation_id = evaluate_window(stage.engine, stage.settings, start, end, end)
            follow_up(stage.engine, stage.settings, end)
        if evaluation_id is None:
            continue
        with transaction(stage.engine) as connection:
            evaluation = drift_evaluation_by_id(connection, evaluation_id)
        evaluated.append(evaluation)
        if evaluation.assessment is not None:
            print_assessment(evaluation.assessment, stage.narrator.console)
    return evaluated


def _summarise(stage: Workspace, evaluated: list[DriftEvaluationRow]) -> None:
    stage.narrator.chapter("Summary")
    rows: list[tuple[str, ...]] = []
    reports: list[Path] = []
    for evaluation in evaluated:
        assessment = evaluation.assessment
        if assessment is None:
            continue
        with transaction(stage.engine) as connection:
            batch = batch_of_evaluation(connection, evaluation.id)
            queued = 0 if batch is None else sum(count_by_status(connection, batch).values())
        name = f"report-{evaluation.window_start:%Y-%m-%d}"
        reports += write_reports(stage, evaluation, name)
        rows.append(
            (
                f"{evaluation.window_start:%Y-%m-%d}",
                f"{assessment.n_current:,}",
                assessment.verdict.replace("_", " "),
                _p_value(assessment.input),
                f"{assessment.input.drifted_share_lower_bound:.1%}",
                _p_value(assessment.output),
                f"{queued}",
            )
        )
    columns = ("week of", "n", "verdict", "input p", "drifted >=", "output p", "queued")
    stage.narrator.show(figures("", columns, rows))
    stage.narrator.say("Reports: " + ", ".join(str(report) for report in reports))
    stage.narrator.say(
        "The page: [bold]driftwarden accounts add ME --role lead --config "
        f"{stage.config}[/bold], then [bold]driftwarden run --only web --config "
        f"{stage.config}[/bold]"
    )


def _p_value(family: FamilyAssessment) -> str:
    return "-" if family.verdict == "not_enough_data" else f"{family.p_value:.4f}"
