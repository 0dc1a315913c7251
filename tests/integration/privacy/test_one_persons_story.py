"""An end user's data from export to restoration, on a database that holds all states."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from monitor.accounts.registration import create_user
from monitor.embedding import cached_encoder
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Exchange
from tests.integration.privacy.end_user_world import make_end_user_world
from tests.support.command import Run, run_command  # noqa: F401 - a fixture
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.one_persons_story import ANN, Story, tell, write_records
from tests.support.review.review_world import PASSWORD
from tests.support.stamped import stamp

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "one-persons-story.md"
BEGIN, END = "<!-- log -->\n```\n", "```\n<!-- /log -->"
KEY = "0123456789abcdef" * 4
CONFIG = """\
database.url = "sqlite:///driftwarden.db"
privacy.suppression_file = "safe/suppressions.jsonl"
retrain.training_data = "original.jsonl"
retrain.evaluation = "evaluation.yaml"
"""


@pytest.fixture
def story(
    run_command: Run,  # noqa: F811
    engine: Engine,
    tmp_path: Path,
    clock: datetime,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Story:
    monkeypatch.setenv("DRIFTWARDEN_USER_ID_KEY", KEY)
    monkeypatch.setattr(cached_encoder, "open_encoder", lambda _settings: FakeEncoder())
    make_end_user_world(engine, tmp_path, clock)
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    stamp(engine)
    engine.dispose()
    (tmp_path / "safe").mkdir()
    (tmp_path / "config.toml").write_text(CONFIG)
    write_records(tmp_path / "records.jsonl")
    capsys.readouterr()  # the log of the world
    return Story(run_command, tmp_path)


def test_end_user_does_not_come_back(
    story: Story, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    statuses = tell(story)
    log = story.text()
    assert [(line, status) for line, status in statuses if status] == []
    after = json.loads((tmp_path / "after.json").read_text())
    assert {part["name"] for part in after["parts"]} <= {
        "audit_log",
        "erasure_proofs",
        "erasures",
        "privacy_requests",
        "staff_sentences",
        "suppressions",
        "taints",
    }
    with transaction(make_engine(f"sqlite:///{tmp_path / 'driftwarden.db'}")) as connection:
        replayed = select(Exchange.exchange_id).where(Exchange.exchange_id.startswith("replayed"))
        assert sorted(connection.execute(replayed).scalars()) == ["replayed-2", "replayed-4"]
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("driftwarden.db*"))
    assert ANN.encode() not in raw.replace(b"joann@example.organic", b"")  # somebody else's
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    rewritten = f"{before}{BEGIN}{log}{END}{rest.split(END)[1]}"
    if request.config.getoption("update_snapshots", default=False):
        PAGE.write_text(rewritten, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == rewritten
