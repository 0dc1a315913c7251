"""`driftwarden compare`: exit status, JSON, report, bad lines."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from monitor.embedding import cached_encoder
from monitor.embedding.vector_cache import FILE
from monitor.store.windows.assessment import Assessment
from tests.services.warm_interpreter import warm_interpreter
from tests.support.command import Run, run_command  # noqa: F401

SCHEMA = Path(__file__).parents[4] / "docs" / "reference" / "assessment.schema.json"

USUAL = (
    "my card was declined at the {} shop",
    "how high is the interest on a loan for a {}",
    "what is the balance of my account after the {}",
    "please send a new pin to my {} address",
)
NEW = "can I move bitcoin from my {} wallet to a crypto exchange"
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")


def write(
    path: Path,
    n: int,
    *,
    new: int = 0,
    resolved: int = 9,
    extra: str = "",
    start: datetime | None = None,
    answered: int | None = None,
    versions: tuple[int, str, str] | None = None,
) -> Path:
    """Write n exchanges: ``new`` of them on a new topic, ``resolved`` of ten resolved.

    With a start they are spread over a week. The first ``answered`` have a response. Rows before
    the given row have the first of two versions, later rows the other.
    """
    lines = [
        json.dumps(
            {
                "prompt": (NEW if i < new else USUAL[i % 4]).format(
                    f"{PLACES[i % 8]} {PLACES[i // 8 % 8]}"
                ),
                "response": ""
                if answered is not None and i >= answered
                else "You can do that in the app, under settings.",
                "metadata": {"resolved": i * 7 % 10 < resolved}
                | ({} if versions is None else {"model_version": versions[1 + (i >= versions[0])]}),
            }
            | ({} if start is None else {"timestamp": str(start + i * timedelta(days=7) / n)})
        )
        for i in range(n)
    ]
    path.write_text("\n".join([*lines, extra]), encoding="utf-8")
    return path


def run_process(*arguments: str | Path, cwd: Path) -> tuple[int, str]:
    """Run the command in a process of its own; return its exit status and both outputs."""
    environment = {"OMP_NUM_THREADS": "1", "PATH": ""}
    with (cwd / "output").open("wb") as output:
        process = warm_interpreter().start_command(
            "compare", *map(str, arguments), env=environment, cwd=cwd, output=output
        )
    return process.wait(), (cwd / "output").read_text(encoding="utf-8")


@pytest.fixture
def run(run_command: Run) -> Run:  # noqa: F811
    return partial(run_command, "compare")


def test_drift_is_exit_status_3_with_json_and_page(tmp_path: Path, run: Run) -> None:
    reference = write(tmp_path / "reference.jsonl", 200)
    start = datetime(2026, 11, 2, tzinfo=UTC)
    current = write(tmp_path / "current.jsonl", 150, new=50, resolved=5, start=start)
    (tmp_path / "drawn").mkdir()
    page, evidently = tmp_path / "page.html", tmp_path / "drawn" / "by evidently.html"
    options = ("--html", page, "--evidently", evidently)
    status, output = run_process(reference, current, "--json", cwd=tmp_path)
    assert status == 3, output
    jsonschema.validate(json.loads(output), json.loads(SCHEMA.read_text(encoding="utf-8")))
    assessment = msgspec.json.decode(output, type=Assessment)
    assert assessment.input.alarm
    assert "crypto" in assessment.headline or "bitcoin" in assessment.headline
    assert [column.name for column in assessment.numeric_columns if column.degraded] == ["resolved"]
    (topic, *_) = assessment.input.topics
    assert topic.first_seen == start
    assert [example.n for example in topic.growth][3:] == [0, 0, 0, 0]  # the new ones come first
    basis = assessment.basis
    assert basis is not None
    assert basis.current.name == "current.jsonl"
    assert basis.current.first == start
    assert basis.reference.first is None  # its lines have no time
    assert basis.reference.digest == sha256(reference.read_bytes()).hexdigest()[:16]
    assert "minilm" in basis.encoder
    again = run(reference, current, "--json", *options)
    assert (again.returncode, again.stdout) == (3, output)
    html = page.read_text(encoding="utf-8")
    assert "current.jsonl" in html
    assert 'href="drawn/by%20evidently.html"' in html
    assert "metric: resolved" in evidently.read_text(encoding="utf-8")


def test_no_drift_ends_with_status_0_and_names_bad_lines(tmp_path: Path, run: Run) -> None:
    reference = write(tmp_path / "reference.jsonl", 200, extra="not json")
    current = write(tmp_path / "current.jsonl", 160, extra='not json\n{"response": "x"}')
    done = run(reference, current)
    assert done.returncode == 0, done.stderr
    assert "NO DRIFT" in done.stdout
    assert "line 161:" in done.stderr
    assert "line 162:" in done.stderr
    assert "2 bad lines skipped" in done.stderr
    assert "1 bad line skipped" in done.stderr
    assert "2 lines of current.jsonl" in done.stdout


def test_a_second_run_with_a_cache_has_the_same_figures(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = write(tmp_path / "reference.jsonl", 130)
    current = write(tmp_path / "current.jsonl", 130, new=40)
    cache = tmp_path / "vectors"
    bare = run(reference, current, "--json")
    assert not cache.exists()
    first = run(reference, current, "--json", "--cache", cache)
    monkeypatch.setattr(cached_encoder, "load_encoder", None)  # the model is not loaded
    second = run(reference, current, "--json", "--cache", cache)

    assert (bare.returncode, first.returncode, second.returncode) == (3, 3, 3)
    assert bare.stdout == first.stdout == second.stdout
    content = (cache / FILE).read_bytes()
    assert b"bitcoin" not in content
    refused = run(reference, current, "--cache", reference)
    assert refused.returncode == 2
    assert str(reference) in refused.stderr


def test_a_small_file_is_exit_status_4(tmp_path: Path, run: Run) -> None:
    reference = write(tmp_path / "reference.jsonl", 120)
    page = tmp_path / "page.html"
    current, evidently = write(tmp_path / "current.jsonl", 3), tmp_path / "evidently.html"
    done = run(reference, current, "--html", page, "--evidently", evidently)
    assert done.returncode == 4, done.stderr
    assert "the window has 3" in " ".join(done.stdout.split())
    assert "evidently: " in done.stderr
    assert not evidently.exists()
    html = page.read_text(encoding="utf-8")
    assert "Not enough data" in html
    assert "current.jsonl" in html
    assert "evidently.html" not in html


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (  # what answered until Saturday asked for new things
            {"new": 120, "start": datetime(2026, 11, 2, tzinfo=UTC), "versions": (120, "a", "b")},
            "version b (20 of 140 exchanges)",
        ),
        ({"versions": (110, "a", "b")}, "21%"),
        ({"answered": 84}, "responses"),
    ],
)
def test_a_partial_comparison_is_exit_status_4(
    tmp_path: Path, run: Run, values: dict[str, Any], reason: str
) -> None:
    with_response = {"answered": 90} if "answered" in values else {}
    reference = write(tmp_path / "reference.jsonl", 150, **with_response)
    current = write(tmp_path / "current.jsonl", 140, **values)
    done = run(reference, current, "--json")
    assert done.returncode == 4, done.stdout
    jsonschema.validate(json.loads(done.stdout), json.loads(SCHEMA.read_text(encoding="utf-8")))
    assessment = msgspec.json.decode(done.stdout, type=Assessment)
    assert reason in assessment.headline
    assert not assessment.alarm


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"not json\n[1]\n", "neither JSON"),
        (b'[{"prompt": "a"}', "ends in the middle"),
        (gzip.compress(b'{"prompt": "a"}', mtime=0)[:-2], "incomplete"),
        (b"prompt,response\na\n", "line 2: 1 cells"),
        ('{"prompt": "Grüße"}'.encode("latin-1"), "line 1: invalid_utf8"),
        ('{"prompt": "a"}'.encode("utf-16"), "UTF-16"),
        (None, "no such file"),
        ("a folder", "without data files"),
    ],
)
def test_an_unusable_file_is_exit_status_2(
    tmp_path: Path, run: Run, content: bytes | str | None, reason: str
) -> None:
    reference = write(tmp_path / "reference.jsonl", 9)
    current = tmp_path / "current.jsonl"
    if isinstance(content, bytes):
        current.write_bytes(content)
    elif content is not None:
        current.mkdir()
    done = run(reference, current)
    assert done.returncode == 2
    assert reason in done.stderr
    assert f"driftwarden: {current}" in done.stderr
    assert (done.stdout, "Traceback" in done.stderr) == ("", False)


@pytest.mark.parametrize("option", ["--html", "--evidently"])
@pytest.mark.parametrize(("target", "advice"), [("missing/page.html", "mkdir -p"), (".", "folder")])
def test_an_unwritable_page_is_refused_before_embedding(
    tmp_path: Path, run: Run, option: str, target: str, advice: str
) -> None:
    # The files to compare don't exist: they haven't been looked for yet.
    done = run("a.jsonl", "b.jsonl", option, tmp_path / target)
    assert done.returncode == 2
    assert option in done.stderr
    assert advice in done.stderr


@pytest.mark.parametrize("option", [("--false-alarms-a-year", "0"), ("--seed", "-1")])
def test_an_option_out_of_range_is_exit_status_2(
    tmp_path: Path, run: Run, option: tuple[str, str]
) -> None:
    reference = write(tmp_path / "reference.jsonl", 9)
    done = run(reference, reference, *option)
    assert done.returncode == 2
    assert option[0] in done.stderr
