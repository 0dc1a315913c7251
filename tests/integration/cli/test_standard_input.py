"""Standard input in place of a file, in each command that reads one."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.errors import InputError
from monitor.review.imports import read_argilla
from monitor.store.engine import make_engine
from retrain.data import read_examples
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.refusals import refusal
from tests.support.traffic.ingest import stored_ids

ROWS = [{"id": f"r{n}", "prompt": f"prompt {n}", "response": "yes"} for n in range(3)]
CSV = "id,prompt,response\n" + "".join(",".join(row.values()) + "\n" for row in ROWS)
ARRAY = json.dumps(ROWS)

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("monitor.embedding.encoder.load_encoder", lambda _: FakeEncoder())
    config = tmp_path / "config.toml"
    database = f'url = "sqlite:///{tmp_path}/own.db"'
    config.write_text(f"[database]\n{database}\n[models.desk]\n[monitoring]\nsample_rate = 1.0\n")

    def call(*arguments: str, text: str = "") -> Result:
        return CliRunner().invoke(app, [*arguments, "-c", str(config)], input=text)

    return call


def test_compare_reads_either_side_from_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(ARRAY)
    for sides in (("-", str(path)), (str(path), "-")):
        done = run("compare", *sides, "--json", text=CSV)
        basis = json.loads(done.stdout)["basis"]
        assert done.exit_code == 4  # too few
        assert {"standard input", "rows.json"} == {
            basis["reference"]["name"],
            basis["current"]["name"],
        }

    both = run("compare", "-", "-", text=CSV)
    assert isinstance(both.exception, InputError)
    assert both.exception.code == "one_input"


def test_replay_and_import_commands_read_it(run: Run, tmp_path: Path) -> None:
    assert run("db", "upgrade").exit_code == 0
    for text, n_read in ((CSV, "3 rows read"), (CSV, "0 rows read")):
        done = run("replay", "-", text=text)
        assert done.exit_code == 0, done.exception
        assert n_read in done.stdout
    engine = make_engine(f"sqlite:///{tmp_path}/own.db")
    assert stored_ids(engine) == ["r0", "r1", "r2"]
    engine.dispose()

    done = run("baseline", "import", "-", text=ARRAY)
    assert done.exit_code == 0, done.exception
    assert "3 exchanges" in done.stdout

    done = run("review", "import", "-", text='{"id": 1}\n{"id": 2}\n')
    assert isinstance(done.exception, InputError)
    assert done.exception.code == "not_imported"  # label-studio: without annotations


def test_examples_and_reviews_are_read_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    example = {"messages": [{"role": r, "content": "a"} for r in ("user", "assistant")]}

    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    give(json.dumps([example]))
    assert [example] == read_examples(Path("-"))
    give(json.dumps([{"id": 1, "responses": {}}]))
    assert read_argilla(Path("-")).reviews == []
    give('{"id": 1')
    with refusal("truncated", InputError):
        read_argilla(Path("-"))
