"""The wheel in fresh environments, from the configured package index: what runs, what is named."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.results.origin import present_origin
from bench.results.results_file import Recorder
from tests.services.own_environment import make_environment

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "installations.jsonl"
MEGABYTE = 1_000_000

pytestmark = pytest.mark.drill


class Installation(NamedTuple):
    """An environment, and a folder to work in that knows nothing of the checkout."""

    folder: Path
    work: Path

    def run(self, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        hidden = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME", "HOME"}
        return subprocess.run(
            [str(self.folder / "bin" / program), *words],
            cwd=self.work,
            env={key: value for key, value in os.environ.items() if key not in hidden},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


@pytest.fixture(
    scope="module", params=["", "[text,notebook]", "[daemon]"], ids=["none", "text", "daemon"]
)
def installation(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    folder = tmp_path_factory.mktemp("fresh") / "a new environment"
    begin = time.perf_counter()
    make_environment(folder, f"{wheel}{request.param}")
    seconds = time.perf_counter() - begin
    size = sum(path.lstat().st_size for path in folder.rglob("*"))
    packages = len(list(folder.glob("lib/*/site-packages/*.dist-info")))
    figures = {
        "extras": request.param,
        "seconds": round(seconds, 1),
        "megabytes": round(size / MEGABYTE),
        "packages": packages,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")
    measured = f"{packages} packages, {size / 1e9:.1f} GB, {seconds:.0f} s"
    recorder = Recorder("", replace(present_origin(), command="make drills"))
    recorder.write("installation", {"figure": request.param or "none", "measured": measured})
    recorder.finish()
    work = tmp_path_factory.mktemp("a folder")
    made = Installation(folder, work)
    if request.param:
        fetched = made.run("driftwarden", "encoder", "fetch")
        assert fetched.returncode == 0, fetched.stderr
    write_exchanges(work / "last month.jsonl", 0)
    write_exchanges(work / "this-week.jsonl", 60)
    return made


def write_exchanges(path: Path, n_poems: int) -> None:
    questions = ("How do I reset my password", "Where is invoice", "Cancel subscription")
    prompts = [f"{questions[n % 3]} {n}?" for n in range(200 - n_poems)]
    prompts += [f"Write a poem about the sea in verse {n}" for n in range(n_poems)]
    lines = [json.dumps({"prompt": prompt, "user": str(n)}) for n, prompt in enumerate(prompts)]
    path.write_text("\n".join(lines), encoding="utf-8")


def extra_of(installation: Installation) -> str:
    has = {
        name: list(installation.folder.glob(f"lib/*/site-packages/{name}"))
        for name in ("onnxruntime", "kafka")
    }
    return "daemon" if has["kafka"] else "text" if has["onnxruntime"] else ""


def test_import_and_init_work_in_every_installation(installation: Installation) -> None:
    code = (
        "import driftwarden as d, numpy as np; rng = np.random.default_rng(1)\n"
        "x = rng.standard_normal((2, 120, 8)); x[1, :, 0] += 4\n"
        "x /= np.linalg.norm(x, axis=2, keepdims=True)\n"
        "print(d.__version__, d.compare(*x, n_permutations=199).verdict)"
    )
    ended = installation.run("python", "-c", code)
    assert ended.stdout.split()[1:] == ["drift"], ended.stderr
    assert installation.run("driftwarden", "init", "a site").returncode == 0
    assert (installation.work / "a site" / "config.toml").is_file()
    assert installation.run("driftwarden", "init", "a site").returncode == 2


def test_compare_runs_or_names_its_extra(installation: Installation) -> None:
    ended = installation.run(
        "driftwarden", "compare", "last month.jsonl", "this-week.jsonl", "--html", "out.html"
    )
    if extra_of(installation):
        assert ended.returncode == 3, ended.stderr
        assert (installation.work / "out.html").is_file()
    else:
        assert ended.returncode == 78
        assert "pip install 'driftwarden[text]'" in ended.stderr


def test_notebook_of_the_documentation_runs(installation: Installation) -> None:
    if extra_of(installation) != "text":
        pytest.skip("it needs [text,notebook]")
    cells = json.loads((ROOT / "docs" / "notebooks" / "compare.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    script = installation.work / "notebook.py"
    script.write_text("\n".join(part for part in code if not part.startswith("%")), "utf-8")
    ended = installation.run("python", script.name)
    assert ended.returncode == 0, ended.stderr
    assert "Decision: review the new topics" in ended.stdout
    assert (installation.work / "drift.html").is_file()


def test_database_commands_run_or_name_their_extra(installation: Installation) -> None:
    ended = installation.run("driftwarden", "db", "upgrade")
    checked = installation.run("driftwarden", "check")
    if extra_of(installation) == "daemon":
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in checked.stderr
    else:
        assert (ended.returncode, checked.returncode) == (78, 78)
        assert "pip install 'driftwarden[daemon]'" in ended.stderr


def test_training_names_its_extra(installation: Installation) -> None:
    ended = installation.run("driftwarden", "retrain", "plan")
    assert ended.returncode == 78
    assert "pip install 'driftwarden[train]'" in ended.stderr


def test_older_python_is_refused_by_the_metadata(wheel: Path, tmp_path: Path) -> None:
    uv = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--no-deps", "--offline"]
    target = ["--target", str(tmp_path), "--python-version", "3.10"]
    ended = subprocess.run(
        [*uv, *target, str(wheel)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    assert "3.11" in ended.stderr
