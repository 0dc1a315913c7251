"""The encoder in `driftwarden check`: it is loaded only where nothing shows that it works."""

import subprocess
import sys
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.daemon.readiness import checks
from monitor.daemon.readiness.encoder import encoder_finding, encoder_in_use
from monitor.daemon.readiness.finding import Finding
from monitor.embedding.encoder import encoder_name, is_configured
from monitor.errors import DatabaseUnavailableError
from monitor.settings import Embedding, Secrets, Settings
from monitor.settings.monitoring import Database
from tests.support.present import utc_now
from tests.support.traffic.stored_traffic import store_traffic

HOUR = timedelta(hours=1)
#: A pinned revision, so that no weights are digested.
EMBEDDING = Embedding(revision="r1")
IDENTITY = f"{encoder_name(EMBEDDING)}@r1/max256"


@pytest.fixture
def settings(any_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("monitor.store.migrations.require_current", lambda _: None)
    url = any_engine.url.render_as_string(hide_password=False)
    return Settings(database=Database(url=url), embedding=EMBEDDING)


def embed(engine: Engine, hours_ago: float, encoder: str = IDENTITY, *, baseline=False) -> datetime:
    start = utc_now().replace(microsecond=0) - hours_ago * HOUR
    seed = int(hours_ago * 10)
    store_traffic(engine, start, 8, seed=seed, days=0.01, encoder=encoder, baseline=baseline)
    return start


def test_encoder_of_recent_traffic_is_in_use(any_engine: Engine, settings: Settings) -> None:
    embed(any_engine, 20)
    received_at = embed(any_engine, 2)
    in_use = encoder_in_use(settings)
    assert in_use == (IDENTITY, received_at)
    finding = encoder_finding(settings, in_use)
    assert finding.status == "ok"
    assert IDENTITY in finding.message
    assert "--load-encoder" in finding.message
    assert "backend onnx" in finding.message


def test_the_finding_names_the_backend_and_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(embedding=EMBEDDING.model_copy(update={"device": "cpu"}))
    assert "backend onnx" in encoder_finding(settings).message
    monkeypatch.setattr("monitor.embedding.onnx_model.MIN_COSINE", 2.0)
    finding = encoder_finding(settings)
    assert (finding.status, "backend torch, as onnxruntime" in finding.message) == ("note", True)


@pytest.mark.parametrize(
    ("hours_ago", "encoder", "baseline"),
    [
        (25, IDENTITY, False),
        (2, IDENTITY, True),
        (2, IDENTITY.replace("@r1", "@r2"), False),
        (2, f"other{IDENTITY}", False),
    ],
    ids=["a day ago", "a baseline", "another revision", "another encoder"],
)
def test_other_vectors_do_not_show_that_it_works(
    any_engine: Engine, settings: Settings, hours_ago: float, encoder: str, baseline: bool
) -> None:
    embed(any_engine, hours_ago, encoder, baseline=baseline)
    assert encoder_in_use(settings) is None


def test_newest_traffic_decides_after_a_change(any_engine: Engine, settings: Settings) -> None:
    embed(any_engine, 3)
    embed(any_engine, 1, f"other{IDENTITY}")
    assert encoder_in_use(settings) is None


def test_encoder_in_use_is_unknown_without_libraries_model_or_database(
    any_engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(any_engine, 1)
    with monkeypatch.context() as patched:  # libraries are missing here: another machine has them
        missing_libraries = dict.fromkeys(("onnx", "torch"), ("no_such_thing",))
        patched.setattr("monitor.embedding.backend.LIBRARIES", missing_libraries)
        assert encoder_in_use(settings) is None
    missing = settings.model_copy(update={"embedding": Embedding(model="package:no_such_model")})
    assert encoder_in_use(missing) is None

    def refuse(_settings: object) -> None:
        raise DatabaseUnavailableError("away")

    monkeypatch.setattr("monitor.daemon.readiness.encoder.open_connection", refuse)
    assert encoder_in_use(settings) is None


def test_changed_weights_are_another_encoder(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights")
    digest = sha256(sha256(b"weights").digest()).hexdigest()[:12]
    settings = Embedding(model=str(tmp_path))
    assert is_configured(settings, f"{tmp_path.name}@{digest}/max256")
    weights.write_bytes(b"Weights")
    assert not is_configured(settings, f"{tmp_path.name}@{digest}/max256")


@pytest.mark.parametrize("load", [False, True])
def test_encoder_comes_last_and_is_announced(
    any_engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, load: bool
) -> None:
    embed(any_engine, 1)
    calls: list[object] = []

    def record(_settings: Settings, in_use: object) -> Finding:
        calls.append(in_use)
        return Finding("ok", "loaded")

    monkeypatch.setattr(
        checks, "_check_everything", lambda *_, **__: iter([[Finding("ok", "", "x")]])
    )
    monkeypatch.setattr(checks, "encoder_finding", record)
    announced: list[str] = []
    results = checks.check_everything(settings, Secrets(), load=load, announce=announced.append)
    assert [finding.name for (finding,) in results] == ["x", "encoder"]
    assert (len(announced), calls[0] is None) == ((1, True) if load else (0, False))


def test_other_checks_import_no_torch_and_no_package_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, threading\n"
        "imported = []\n"
        "def note(event, arguments):\n"
        "    if event == 'import' and threading.current_thread().name.startswith('check '):\n"
        "        imported.append(arguments[0].partition('.')[0])\n"
        "sys.addaudithook(note)\n"
        "from monitor.daemon.readiness import checks\n"
        "from monitor.settings import Configuration, Secrets\n"
        "checks.encoder_finding = lambda *_: checks.Finding('ok', '')\n"
        f"settings = Configuration(database={{'url': 'sqlite:///{tmp_path}/x.db'}})\n"
        "results = checks.check_everything(settings, Secrets())\n"
        "names = {finding.name for findings in results for finding in findings}\n"
        "assert {'encoder', 'recipe', 'launcher', 'alerts', 'broker'} <= names, names\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'sklearn', 'pandas'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
        "assert imported\n"
        "print(sorted(set(imported) - sys.stdlib_module_names - {'monitor', 'retrain'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["[]", "[]"]
