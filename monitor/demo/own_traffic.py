"""Demo on the user's own exchanges: drift evaluation, report and review queue."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from monitor.demo.console import DemoConsole, figures
from monitor.demo.reports import write_reports
from monitor.demo.workspace import (
    Workspace,
    describe_log,
    last_window_end,
    log_to_folder,
    open_database,
    prepare_folder,
    write_config,
)
from monitor.errors import InputError
from monitor.input_files import InputSource, open_two
from monitor.settings import Configuration, default_configuration, default_settings
from monitor.statistics.p_value_text import format_level
from monitor.store.engine import transaction
from monitor.store.review.items import batch_of_evaluation, count_by_status
from monitor.store.windows.assessment import FamilyAssessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id
from monitor.traffic.exchange import Exchange
from monitor.traffic.files.reading import FileContent

#: Problems of lines that are shown.
PROBLEMS_SHOWN = 5


def run_own_traffic(traffic: Path, baseline: Path, folder: Path, console: DemoConsole) -> bool:
    """Evaluate a file's weeks against reference exchanges; return whether all had enough data.

    Timestamps assign the exchanges to weeks. The model of the reference may be another release.

    Raises:
        InputError: A file can't be read, holds no exchange, or lies in the folder of an earlier
            demo, which is emptied.
    """
    from monitor.embedding.cached_encoder import open_encoder

    sources = open_two(baseline, traffic)
    prompts_only = not all(map(_has_responses, sources))
    reference, current = (_read(file, console, prompts_only=prompts_only) for file in sources)
    model = _monitored_model(current.exchanges, console)
    if prompts_only:
        console.write("A file has no responses: only prompts are compared.")
    place = prepare_folder(folder, read=(traffic, baseline))
    log_to_folder(place)
    configuration = _configuration(place, model, prompts_only=prompts_only)
    write_config(place, configuration)
    console.section("Your exchanges")
    with console.step("load the encoder"):
        encoder = open_encoder(configuration.embedding)
    engine = open_database(configuration)
    workspace = Workspace(place, configuration, model, engine, encoder, console)
    _import_baseline(workspace, reference)
    _replay(workspace, sources[1])
    console.section("Drift by week")
    evaluations = _evaluate(workspace)
    _summarize(workspace, evaluations)
    return bool(evaluations) and all(row.verdict != "not_enough_data" for row in evaluations)


def _silence(_remark: str) -> None:
    """Drop a remark that was shown when the file was read first."""


def _has_responses(source: InputSource) -> bool:
    from monitor.traffic.files.reading import read_exchanges

    content = read_exchanges(
        source,
        default_settings().traffic,
        default_model="",
        redactor=None,
        requires_response=True,
        announce=_silence,
    )
    reasons = {line.reason for line in content.bad_lines}
    return bool(content.exchanges) or "missing_response" not in reasons


def _read(source: InputSource, console: DemoConsole, *, prompts_only: bool) -> FileContent:
    from monitor.traffic.files.bad_lines import summarize_bad_lines
    from monitor.traffic.files.reading import read_exchanges
    from monitor.traffic.redaction import build_redactor

    defaults = default_settings()
    content = read_exchanges(
        source,
        defaults.traffic.model_copy(update={"prompts_only": prompts_only}),
        default_model=defaults.model.name,
        redactor=build_redactor(defaults.redaction),
        requires_response=True,
        announce=console.write,
    )
    if not content.exchanges:
        first = f": {content.bad_lines[0]}" if content.bad_lines else ""
        raise InputError(f"no exchange in {source.label}{first}")
    console.write(f"{source.name}: {len(content.exchanges):,} exchanges")
    for problem in summarize_bad_lines(content.bad_lines, PROBLEMS_SHOWN):
        console.quote(problem, title="skipped")
    return content


def _monitored_model(exchanges: list[Exchange], console: DemoConsole) -> str:
    counts = Counter(exchange.model for exchange in exchanges)
    (model, n), *rest = counts.most_common()
    if rest:
        console.write(
            f"The traffic has {len(counts)} models; {model!r} is evaluated ({n:,} exchanges), "
            "the rest is only counted."
        )
    return model


def _configuration(folder: Path, model: str, *, prompts_only: bool) -> Configuration:
    return default_configuration(
        models={model: {}},
        database={"url": f"sqlite:///{folder.absolute() / 'driftwarden.db'}"},
        monitoring={"sample_rate": 1.0},
        traffic={"prompts_only": prompts_only},
    )


def _import_baseline(workspace: Workspace, reference: FileContent) -> None:
    from monitor.traffic.baseline_import import EndUsersOfFile, store_baseline
    from monitor.traffic.end_users.rules import open_rules
    from monitor.traffic.redaction import build_redactor

    rules = open_rules(workspace.engine, workspace.configuration)
    redactor = build_redactor(workspace.configuration.redaction)
    with workspace.console.step("embed and store the baseline"):
        store_baseline(
            workspace.engine,
            workspace.encoder,
            reference.exchanges,
            EndUsersOfFile(rules, redactor, reference.sent_ids),
            model=workspace.settings.model.name,
            now=datetime.now(UTC),
        )


def _replay(workspace: Workspace, traffic: InputSource) -> None:
    from monitor.traffic.file_replay import replay_file

    with workspace.console.step("embed and store the traffic", traffic.check()) as step:
        replay_file(
            workspace.engine,
            workspace.settings,
            workspace.encoder,
            traffic,
            progress=step.advance,
            announce=_silence,
        )


def _evaluate(workspace: Workspace) -> list[DriftEvaluationRow]:
    """Evaluate the weeks one by one, as the daemon does."""
    from monitor.daemon.follow_up import follow_up
    from monitor.store.traffic.exchanges import first_exchange_at
    from monitor.windows.evaluation import evaluate_window
    from monitor.windows.report.terminal import print_assessment
    from monitor.windows.schedule import due_windows

    model = workspace.settings.model.name
    until = last_window_end(workspace.engine, model)
    with transaction(workspace.engine) as connection:
        first = first_exchange_at(connection, model)
    evaluations = []
    for start, end in due_windows(
        first or until, until, workspace.settings.monitoring.drift_detection
    ):
        with workspace.console.step(f"evaluate the week of {start:%d %B %Y}"):
            evaluation_id = evaluate_window(workspace.engine, workspace.settings, start, end, end)
            follow_up(workspace.engine, workspace.settings, end)
        if evaluation_id is None:
            continue
        with transaction(workspace.engine) as connection:
            evaluation = drift_evaluation_by_id(connection, evaluation_id)
        evaluations.append(evaluation)
        if evaluation.assessment is not None:
            print_assessment(evaluation.assessment, workspace.console.console)
    return evaluations


def _summarize(workspace: Workspace, evaluations: list[DriftEvaluationRow]) -> None:
    workspace.console.section("Summary")
    rows: list[tuple[str, ...]] = []
    reports: list[Path] = []
    for evaluation in evaluations:
        assessment = evaluation.assessment
        if assessment is None:
            continue
        with transaction(workspace.engine) as connection:
            batch = batch_of_evaluation(connection, evaluation.id)
            queued = 0 if batch is None else sum(count_by_status(connection, batch).values())
        name = f"report-{evaluation.window_start:%Y-%m-%d}"
        reports += write_reports(workspace, evaluation, name)
        rows.append(
            (
                f"{evaluation.window_start:%Y-%m-%d}",
                f"{assessment.n_current:,}",
                assessment.verdict.replace("_", " "),
                _p_value(assessment.input),
                _share(assessment.input),
                _p_value(assessment.output),
                f"{queued}",
            )
        )
    columns = (
        "week of",
        "n",
        "verdict",
        "input p (level)",
        "drifted",
        "output p (level)",
        "queued",
    )
    workspace.console.show(figures("", columns, rows))
    workspace.console.write("Reports: " + ", ".join(str(report) for report in reports))
    workspace.console.write(
        "Web page: [bold]driftwarden accounts add ME --role lead --config "
        f"{workspace.config}[/bold], then [bold]driftwarden run --only web --config "
        f"{workspace.config}[/bold]"
    )
    workspace.console.write(describe_log(workspace.folder))


def _share(family: FamilyAssessment) -> str:
    share = family.drifted_share
    return "-" if share is None else f"{share.estimate:.1%}"


def _p_value(family: FamilyAssessment) -> str:
    if family.verdict == "not_enough_data":
        return "-"
    level = "" if family.level is None else f" ({format_level(family.level)})"
    return f"{family.p_value:.4f}{level}"
