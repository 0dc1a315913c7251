"""Files that `driftwarden compare` writes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.settings import Settings
    from monitor.store.windows.assessment import Assessment
    from monitor.windows.file_comparison import FileComparison
    from monitor.windows.gate.checks import Check
    from monitor.windows.reading.files import Progress


def write_checks(
    assessment: "Assessment",
    checks: "Sequence[Check]",
    *,
    junit: Path | None,
    markdown: Path | None,
) -> None:
    """Write the checks as JUnit XML and as Markdown, where a file is named."""
    if junit is not None:
        from monitor.windows.gate.junit import render_junit

        _write_text("junit", junit, render_junit(assessment, checks))
    if markdown is not None:
        from monitor.windows.gate.markdown import render_markdown

        _write_text("markdown", markdown, render_markdown(assessment, checks))


def write_page(
    page: Path, assessment: "Assessment", comparison: "FileComparison", evidently: Path | None
) -> None:
    """Write the HTML report, with a link to Evidently's report if there is one."""
    from monitor.windows.report.page import render_page

    link = "" if evidently is None else _relative_link(page, evidently)
    content = render_page(assessment, evidently=link, prompt_map=comparison.prompt_map)
    _write_text("page", page, content)


def write_evidently(
    path: Path, comparison: "FileComparison", settings: "Settings", progress: "Progress"
) -> Path | None:
    """Write Evidently's report; return its path, or ``None`` where there is none."""
    if not comparison.columns:
        typer.echo("evidently: no report, as nothing was compared", err=True)
        return None
    progress("Rendering Evidently's report", 0, 1)
    report = _evidently_report(comparison, settings)
    progress("Rendering Evidently's report", 1, 1)
    if report is None:
        return None
    _write_text("evidently", path, report)
    return path


def write_reference(path: Path, comparison: "FileComparison", *, with_texts: bool) -> None:
    """Write the reference side; a comparison with too little data has no vectors to write."""
    from monitor.windows.reference_file.saved_reference import save_reference

    if not comparison.reference_side.window.prompt_vectors.size:
        typer.echo("reference: no file, as nothing was embedded", err=True)
        return
    _write_bytes(
        "reference", path, save_reference(comparison.reference_side, with_texts=with_texts)
    )


def _write_text(label: str, path: Path, text: str) -> None:
    _write_bytes(label, path, text.encode("utf-8", "replace"))


def _write_bytes(label: str, path: Path, content: bytes) -> None:
    from monitor.errors import InputError
    from monitor.private_files import write_private_bytes

    try:
        write_private_bytes(path, content)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    typer.echo(f"{label}: {path}", err=True)


def _relative_link(page: Path, target: Path) -> str:
    from urllib.parse import quote

    return quote(Path(os.path.relpath(target.resolve(), page.resolve().parent)).as_posix())


def _evidently_report(comparison: "FileComparison", settings: "Settings") -> str | None:
    """Render Evidently's report; a failure is printed and the report left out."""
    import numpy as np

    from monitor.windows.report.evidently import render_evidently

    try:
        return render_evidently(
            comparison.columns,
            comparison.reference.task_types,
            comparison.current.task_types,
            np.random.default_rng([settings.drift.seed, 4]),
        )
    except Exception as error:  # noqa: BLE001 - whatever Evidently raises
        typer.echo(
            f"evidently: no report, rendering failed: {type(error).__name__}: {error}",
            err=True,
        )
        return None
