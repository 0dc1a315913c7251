"""What the demo leaves in its folder to be read: the report of an evaluation."""

from pathlib import Path

from monitor.demo.workspace import Workspace
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.prompt_maps import prompt_map
from monitor.store.windows.reports import load_report
from monitor.windows.report.page import render_page


def write_reports(stage: Workspace, evaluation: DriftEvaluationRow, name: str) -> list[Path]:
    """Write the page of an evaluation, and Evidently's report where there is one."""
    if evaluation.assessment is None:
        return []
    with transaction(stage.engine) as connection:
        evidently = load_report(connection, evaluation.id, "evidently")
        placed = prompt_map(connection, evaluation.id)
    page, drawn = stage.folder / f"{name}.html", stage.folder / f"{name}-evidently.html"
    window = (evaluation.window_start, evaluation.window_end)
    link = "" if evidently is None else drawn.name
    html = render_page(evaluation.assessment, window=window, evidently=link, prompt_map=placed)
    page.write_text(html, encoding="utf-8")
    if evidently is None:
        return [page]
    drawn.write_text(evidently, encoding="utf-8")
    return [page, drawn]
