"""Modes of everything that commands write, under a umask that would let everybody read it."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from monitor.daemon.readiness.file_modes import file_modes_finding, is_exposed
from monitor.private_files import use_private_umask, write_private_text
from monitor.settings import Settings
from monitor.store.engine import make_engine
from retrain.jobs.kubernetes.kubernetes_jobs import manifest_of
from retrain.rollout.gateways.route_file import RouteFile
from retrain.run_folder import RunFolder
from tests.support.command import Run, run_command  # noqa: F401 - a fixture
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.migrated_copy import migrate
from tests.support.review.gold_items import ACCEPT, correct, make_reviewed_world

LINES = (
    '{"id": "%d", "timestamp": "2026-11-0%dT10:00:00Z", "model": "assistant", "task_type": "fees", '
    '"user": "u%d", "prompt": "why fee %d", "response": "so"}\n'
)


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def tree(folder: Path) -> dict[str, int]:
    """Return the mode of each file and folder below one."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


def open_to_others(folder: Path) -> dict[str, int]:
    return {name: mode for name, mode in tree(folder).items() if mode & 0o077}


def test_commands_write_files_for_their_owner_only(
    tmp_path: Path,
    run_command: Run,  # noqa: F811
    clock: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.embedding.encoder.load_encoder", lambda _: FakeEncoder())
    monkeypatch.setattr("monitor.embedding.cached_encoder.load_encoder", lambda _: FakeEncoder())
    traffic = tmp_path / "given.jsonl"
    traffic.write_text("".join(LINES % (n, n % 7 + 1, n, n) for n in range(60)))
    traffic.chmod(0o600)

    def run(*arguments: str) -> None:
        os.umask(0)
        done = run_command(*arguments)
        assert done.returncode in {0, 4}, (arguments, done.stderr)

    run("init", "site")
    run("db", "upgrade")
    run("taxonomy", "init", "guidelines")
    run("baseline", "import", str(traffic), "--model", "assistant")
    run("replay", str(traffic))
    engine = make_engine(f"sqlite:///{tmp_path / 'driftwarden.db'}")
    make_reviewed_world(engine, tmp_path, clock, [ACCEPT, correct("Call us.")], n=4)
    (tmp_path / "taxonomy.md").unlink()
    changed = tmp_path / "changed.jsonl"
    changed.write_text(traffic.read_text().replace("why fee", "which fee"))
    changed.chmod(0o600)
    (tmp_path / "gold.jsonl").write_text("an older export")
    run("review", "export", "--out", "gold.jsonl")
    run("review", "export", "--out", "new/folder/gold.jsonl")
    run("compare", str(traffic), "changed.jsonl", "--html", "report.html")
    run("db", "backup", "copy.tar.gz")
    run("retention")
    engine.dispose()

    assert open_to_others(tmp_path) == {}
    written = {name.split("/")[0] for name in tree(tmp_path)}
    assert {
        "site", "driftwarden.db", "guidelines", "gold.jsonl", "new", "report.html",
        "copy.tar.gz",
    } <= written  # fmt: skip


def test_process_and_its_children_have_the_umask() -> None:
    """No file is readable for a moment: the umask is set before the first is written."""
    probe = (
        "import os, subprocess, sys; os.umask(0); sys.argv = ['driftwarden', '--version']\n"
        "from driftwarden.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(open('/proc/self/status').read(), flush=True)\n"
        "subprocess.run(['cat', '/proc/self/status'])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    masks = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Umask")]
    assert masks == ["0077", "0077"]


def test_check_names_files_of_an_older_release(tmp_path: Path) -> None:
    settings = Settings(
        database={"url": f"sqlite:///{tmp_path / 'd.db'}"},
        retrain={"work_dir": str(tmp_path / "r")},
    )
    engine = make_engine(settings.database.url)
    migrate(engine)
    engine.dispose()
    (tmp_path / "d.db").chmod(0o644)
    run = tmp_path / "r" / "run-1" / "train.jsonl"
    run.parent.mkdir(parents=True)
    run.write_text("texts")
    (tmp_path / "d.db.before-0010").write_text("a copy")
    finding = file_modes_finding(settings)
    assert finding.status == "note"
    for place in (tmp_path / "d.db", run, tmp_path / "d.db.before-0010"):
        assert str(place) in finding.message
    for command in finding.message.partition("run: ")[2].split("; "):
        subprocess.run(command, shell=True, check=True)
    assert file_modes_finding(settings).status == "ok"


@pytest.mark.parametrize("module", ["retrain.training.child", "retrain.evaluation.child"])
def test_a_child_of_another_launcher_writes_private_files(tmp_path: Path, module: str) -> None:
    """Ray and Kubernetes start it under a umask of their own; a broken recipe ends it at once."""
    folder = tmp_path / "run-00001"
    folder.mkdir(mode=0o700)
    write_private_text(RunFolder(folder).recipe, "no recipe")
    subprocess.run([sys.executable, "-Pm", module, str(folder)], capture_output=True, check=False)
    assert len(tree(folder)) > 1
    assert open_to_others(folder) == {}


def test_envoy_reads_its_routes_and_nothing_else(tmp_path: Path) -> None:
    use_private_umask()
    routes = RouteFile(tmp_path / "gateway" / "weights" / "routes.json")
    with routes.locked():
        routes.replace("{}")
    modes = tree(tmp_path)
    assert modes["gateway"] == modes["gateway/weights"] == 0o755
    assert modes["gateway/weights/routes.json"] == 0o644
    assert modes["gateway/weights/routes.json.lock"] == 0o600


def test_a_job_runs_as_the_owner_of_the_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run-00001")
    folder.root.mkdir()
    owner = folder.root.stat()
    if owner.st_uid == 0:
        os.chown(folder.root, 10001, 10002)
        owner = folder.root.stat()
    settings = Settings(retrain={"kubernetes": {"image": "image", "claim": "claim"}})
    manifest = manifest_of(settings.retrain.kubernetes, folder, work_dir=tmp_path)
    account = manifest["spec"]["template"]["spec"]["securityContext"]
    assert (account["runAsUser"], account["fsGroup"]) == (owner.st_uid, owner.st_gid)


def test_check_accepts_access_lists_and_the_group_of_pods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "adapter"
    path.write_text("weights")
    path.chmod(0o640)
    assert is_exposed(path)
    monkeypatch.setattr(os, "listxattr", lambda _: ["system.posix_acl_access"])
    assert not is_exposed(path)
    monkeypatch.undo()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr(os, "getgroups", lambda: [path.stat().st_gid])
    assert not is_exposed(path)
    path.chmod(0o604)
    assert is_exposed(path)
