"""Data of the drift benchmark, and the refusals of its command."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from monitor.bench.texts import read_texts
from monitor.bench.trial import planted_shares
from monitor.bench.windows import Windows
from monitor.cli.app import app
from monitor.drift import Cluster
from monitor.errors import InputError
from monitor.settings import Traffic


def cluster(members: list[int]) -> Cluster:
    return Cluster(
        members=np.array(members),
        medoid=members[0],
        size=len(members),
        share_current=0.1,
        share_reference=0.0,
        enrichment=2.0,
        enrichment_lower=1.0,
        enrichment_upper=3.0,
        adjusted_p_value=0.01,
    )


def test_planted_share_of_clusters_counts_their_members() -> None:
    planted = np.array([False, False, True, True])
    windows = Windows(np.arange(4), np.arange(4), planted, 0.5)
    shares = planted_shares((cluster([2, 3]), cluster([0, 1, 2, 3]), cluster([0, 1])), windows)
    assert shares == [1.0, 0.5, 0.0]


def write_clinc(folder: Path) -> None:
    folder.mkdir()
    splits = '{"train": [["hi", "greet"], ["pay", "bill"]], "oos_test": [["moon?", "oos"]]}'
    (folder / "data_full.json").write_text(splits, encoding="utf-8")
    (folder / "domains.json").write_text('{"talk": ["greet"], "bank": ["bill"]}', encoding="utf-8")


@pytest.mark.parametrize("inside", [False, True])
def test_clinc_data_set_is_read(tmp_path: Path, inside: bool) -> None:
    write_clinc(tmp_path / "clinc150")
    texts = read_texts(tmp_path / "clinc150" if inside else tmp_path, Traffic())
    assert texts.name == "CLINC150"
    assert list(texts.texts) == ["hi", "pay", "moon?"]
    assert texts.topics.tolist() == [1, 0, -1]
    assert texts.domains.tolist() == [1, 0, -1]


def test_exchanges_with_topics_are_read(tmp_path: Path) -> None:
    lines = [
        '{"prompt": "a", "metadata": {"topic": "cards", "domain": "bank"}}',
        '{"prompt": [{"role": "user", "content": "b"}], "task_type": "travel"}',
        '{"prompt": "c"}',
    ]
    (tmp_path / "some.jsonl").write_text("\n".join(lines), encoding="utf-8")
    texts = read_texts(tmp_path, Traffic())
    assert list(texts.texts) == ["a", "b", "c"]
    assert texts.topics.tolist() == [0, 1, -1]
    assert texts.domains.tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no data set in folder"),
        ('{"prompt": "a", "task_type": "x"}\n', "1 in 1 exchanges"),
        ('{"prompt": "a"}\n{not json\n', "line 2: invalid_json"),
    ],
)
def test_folder_without_data_set_is_refused(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "some.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_texts(tmp_path, Traffic())


def test_command_refuses_two_plans(tmp_path: Path) -> None:
    options = ["--data", str(tmp_path), "--quick", "--full"]
    result = CliRunner().invoke(app, ["bench", "drift", *options])
    assert result.exit_code == 2
    assert "exclude each other" in result.output


def test_command_refuses_a_missing_folder() -> None:
    result = CliRunner().invoke(app, ["bench", "drift", "--data", "nowhere"])
    assert isinstance(result.exception, InputError)
    assert "no such folder: nowhere" in str(result.exception)
