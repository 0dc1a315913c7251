"""Report files of the demo."""

from pathlib import Path

from monitor.demo.workspace import Workspace
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.prompt_maps import prompt_map
from monitor.store.windows.reports import load_report
from monitor.windows.report.page import render_page


def write_reports(workspace: Workspace, evaluation: DriftEvaluationRow, name: str) -> list[Path]:
    """Write the report of a drift evaluation, and Evidently's report if there is one."""
    if evaluation.assessment is None:
        return []
    with transaction(workspace.engine) as connection:
        evidently = load_report(connection, evaluation.id, "evidently")
        placed = prompt_map(connection, evaluation.id)
    page, drawn = workspace.folder / f"{name}.html", workspace.folder / f"{name}-evidently.html"
    window = (evaluation.window_start, evaluation.window_end)
    link = "" if evidently is None else drawn.name
    html = render_page(evaluation.assessment, window=window, evidently=link, prompt_map=placed)
    page.write_text(html, encoding="utf-8")
    if evidently is None:
        return [page]
    drawn.write_text(evidently, encoding="utf-8")
    return [page, drawn]
