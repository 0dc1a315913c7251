"""The notebook of the documentation, cell by cell."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

FILE = Path(__file__).parents[2] / "docs" / "notebooks" / "compare.ipynb"
NOTEBOOK = nbformat.read(FILE, as_version=4)
#: Tag of the cells that install packages.
SKIPPED = "skip-execution"


def is_run(cell: Any) -> bool:
    return cell.cell_type == "code" and SKIPPED not in cell.metadata.get("tags", ())


@pytest.mark.language_model
def test_the_notebook_comes_to_its_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "notebook"}
    for number, cell in enumerate(NOTEBOOK.cells):
        if is_run(cell):
            exec(compile(cell.source, f"cell {number}", "exec"), names)

    assert names["quiet"].verdict == "no_drift"
    assert names["result"].verdict == "drift"
    assert len(names["result"].input.topics) >= 2
    assert "Decision: review the new topics" in capsys.readouterr().out
    assert "<html" in (tmp_path / "drift.html").read_text(encoding="utf-8")
    assert (tmp_path / "vectors" / "vectors.sqlite").is_file()


@pytest.mark.drill
@pytest.mark.language_model
def test_a_kernel_runs_the_notebook_and_draws_its_figure(tmp_path: Path) -> None:
    from nbclient import NotebookClient

    notebook = nbformat.read(FILE, as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()

    kinds = {
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        for kind in output.get("data", {})
    }
    assert {"text/html", "application/vnd.plotly.v1+json"} <= kinds


def test_the_notebook_is_stored_without_outputs() -> None:
    nbformat.validate(NOTEBOOK)
    code = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count]
    assert "pip install" in code[0].source
    assert not is_run(code[0])


def test_links_of_the_notebook_lead_to_pages() -> None:
    text = "\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)#]+)", text)
    assert len(links) >= 3
    assert [link for link in links if not (FILE.parent / link).is_file()] == []
