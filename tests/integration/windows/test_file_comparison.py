"""Comparison of two files with an encoder that counts words."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from monitor.cli.app import main
from monitor.embedding.encoder import load_encoder
from monitor.rendering.wording import format_share
from monitor.settings import Drift, Settings
from monitor.store.windows.assessment import Assessment
from monitor.windows import file_comparison as comparing
from monitor.windows.file_comparison import compare_files
from monitor.windows.reading.two_files import read_two_files
from monitor.windows.report import evidently
from monitor.windows.report.terminal import print_assessment
from tests.support.encoders.word_encoder import WordEncoder

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "compare-in-ci.md"
SETTINGS = Settings(drift=Drift(n_permutations=999))
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")


DIFFERENT_MODELS = (
    "reference.jsonl has the model gpt (126), current.jsonl claude (120): what differs "
    "between models counts as drift."
)


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = WordEncoder()
    encoder.identity, encoder.dimension = "words@1", 256
    monkeypatch.setattr(comparing, "open_encoder", lambda _: encoder)


def write(path: Path, n: int, **values: Any) -> Path:
    """Write n exchanges; a callable value is called for each row."""
    lines = [
        json.dumps(
            {
                "prompt": f"my card was declined at the {PLACES[row % 8]} {PLACES[row // 8 % 8]}",
                "response": f"You can do that in the app, under {PLACES[row % 8]}.",
                "user": f"user {row}",
            }
            | {key: value(row) if callable(value) else value for key, value in values.items()}
        )
        for row in range(n)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def compared(reference: Path, current: Path) -> Assessment:
    files = read_two_files(reference, current, SETTINGS)
    return compare_files(files, SETTINGS, lambda *_: None).assessment


def remarks_on(result: Assessment) -> tuple[str, ...]:
    """Return the remarks but for that on pairs: most files here have the same prompts."""
    return tuple(remark for remark in result.remarks if "compared in pairs" not in remark)


def without_response(path: Path) -> Path:
    """Remove the key of the response from each line."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        del line["response"]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["null", "absent"])
@pytest.mark.parametrize("side", ["reference", "current"])
def test_responses_that_one_side_lacks_are_untested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str, form: str
) -> None:
    files = {name: write(tmp_path / f"{name}.jsonl", 150) for name in ("reference", "current")}
    files[side] = write(tmp_path / f"{side}.jsonl", 150, response=None)
    if form == "absent":
        without_response(files[side])
    result = compared(files["reference"], files["current"])
    assert result.verdict == "not_enough_data"
    assert (result.output.untested_reason, result.output.alarm) == ("few_responses", False)
    assert result.output.drifted_share is None
    assert not [column for column in result.numeric_columns if column.side == "response"]
    assert any(remark.startswith(f"No exchange of {side}.jsonl") for remark in result.remarks)
    assert msgspec.to_builtins(result)["output"]["drifted_share"] is None
    monkeypatch.setattr("sys.argv", ["driftwarden", "compare", *map(str, files.values())])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4


def test_drifted_prompts_alarm_though_responses_are_missing(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150)
    other = write(tmp_path / "current.jsonl", 150, response=None, prompt=lambda n: f"tax form {n}")
    result = compared(reference, other)
    assert (result.verdict, result.input.alarm, result.output.alarm) == ("drift", True, False)


def test_missing_responses_of_some_lines_are_counted(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150)
    current = write(
        tmp_path / "current.jsonl", 150, response=lambda n: None if n % 10 else "In the app."
    )
    result = compared(reference, current)
    assert result.verdict == "drift"
    assert any("135 of 150 exchanges of current.jsonl" in remark for remark in result.remarks)
    (length,) = (c for c in result.output.descriptors if c.name == "length in tokens")
    assert -1.0 <= length.lower < length.change < -0.8


def test_empty_responses_are_drift(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150)
    result = compared(reference, write(tmp_path / "current.jsonl", 120, response=""))
    assert result.verdict == "drift"
    assert result.findings == (
        "All responses are empty (none before).",
        "No significant change of the prompts.",
    )
    assert result.output.drifted_share is not None
    assert result.output.drifted_share.upper == 1.0
    # It has always been so: nothing is lost.
    silent = write(tmp_path / "silent.jsonl", 150, response="")
    assert compared(silent, write(tmp_path / "current.jsonl", 120, response="")).verdict == (
        "no_drift"
    )


def test_conversations_that_end_with_the_response_are_compared_with_it(tmp_path: Path) -> None:
    """The format of fine-tuning, and of `review export --format sft`."""

    def conversations(name: str, response: str) -> Path:
        turns = [
            [
                {"role": "user", "content": f"my card was declined at the {place} {other}"},
                {"role": "assistant", "content": response.format(place)},
            ]
            for place in PLACES
            for other in (*PLACES, *(place.upper() for place in PLACES))
        ]
        lines = [
            json.dumps({"messages": turn, "user": f"user {row}"}) for row, turn in enumerate(turns)
        ]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return tmp_path / name

    reference = conversations("reference.jsonl", "You can do that in the app, under {}.")
    result = compared(
        reference, conversations("current.jsonl", "I am sorry, I can't help with it.")
    )
    assert result.output.alarm
    assert remarks_on(result) == ()


def test_without_responses_only_prompts_are_compared_with_a_remark(
    tmp_path: Path,
) -> None:
    silent = write(tmp_path / "reference.jsonl", 120, response="")
    note = "No exchange of either side has a response: only prompts were compared."
    result = compared(silent, write(tmp_path / "current.jsonl", 120, response=""))
    assert note in result.remarks
    assert result.output.untested_reason == "no_responses"
    remarks = compared(silent, write(tmp_path / "current.jsonl", 120)).remarks
    assert note not in remarks
    assert ["reference.jsonl" in remark for remark in remarks if "traffic.fields" in remark] == [
        True
    ]


def test_a_version_is_no_metric_and_small_versions_are_pooled(
    tmp_path: Path,
) -> None:
    def metadata(row: int) -> dict[str, int]:
        return {"model_version": 2 + row % 3 // 2, "latency_ms": row % 7}

    known = {"model_version": 1, "latency_ms": 3}
    reference = write(tmp_path / "reference.jsonl", 150, metadata=known)
    current = write(tmp_path / "current.jsonl", 120, metadata=metadata)
    result = compared(reference, current)
    assert "model_version" not in {numeric_column.name for numeric_column in result.numeric_columns}
    assert result.verdict == "no_drift"
    assert result.versions == ()
    (remark,) = remarks_on(result)
    assert remark.endswith(": 2 (80), 3 (40).")


def test_each_version_in_a_file_is_compared_the_drifted_reported(
    tmp_path: Path,
) -> None:
    def response(row: int) -> str:
        message = ("You can do that in the app.", "Sorry, nobody here knows the way to the moon.")
        return message[row % 2]

    reference = write(tmp_path / "reference.jsonl", 300, response="You can do that in the app.")
    current = write(
        tmp_path / "current.jsonl",
        300,
        response=response,
        metadata=lambda row: {"model_version": "ab"[row % 2]},
    )
    result = compared(reference, current)
    first, second = result.versions
    assert (first.version, first.n_current, first.verdict) == ("a", 150, "no_drift")
    assert (second.version, second.n_current, second.verdict) == ("b", 150, "drift")
    assert (second.is_reported, second.first, result.n_current) == (True, None, 300)
    assert result.verdict == "drift"
    assert result.headline.startswith("Version b (150 of 300 exchanges): ")
    assert "Version a, 150 exchanges: no drift." in result.remarks
    assert not any("baseline import" in remark for remark in result.remarks)


def test_a_metric_that_vanishes_or_becomes_text_is_reported(tmp_path: Path) -> None:
    def measured(row: int) -> dict[str, object]:
        return {"latency_ms": 400 + row, "thumbs_up": row % 3 > 0}

    def broken(row: int) -> dict[str, object]:
        return {"latency_ms": f"{400 + row} ms", "thumbsUp": row % 3 > 0}

    reference = write(tmp_path / "reference.jsonl", 150, metadata=measured)
    same = write(tmp_path / "same.jsonl", 120, metadata=measured)
    assert remarks_on(compared(reference, same)) == ()
    current = write(tmp_path / "current.jsonl", 120, metadata=broken)
    result = compared(reference, current)
    remedy, new = remarks_on(result)
    latency, thumbs, *_ = result.findings
    assert latency.startswith(
        "Not comparable: `latency_ms` is no longer sent (150 values before, none now, but 120"
    )
    assert thumbs.startswith("`thumbs_up` is no longer sent (150 values before, none now)")
    assert "`drift.optional`" in remedy
    assert (result.verdict, result.is_not_comparable) == ("not_enough_data", True)
    assert "the baseline has fewer than 20 values" in new
    assert "`thumbsUp` (0 in the baseline, 120 in the window)" in new


def test_lines_without_a_user_are_counted_if_others_have_users(tmp_path: Path) -> None:
    def user(row: int) -> str:
        return f"user {row // 2}"

    def some(row: int) -> str | None:
        return None if row % 3 else user(row)

    def remarks(baseline: Path, window: Path) -> list[str]:
        # The files repeat few prompts, which is remarked on.
        written = remarks_on(compared(baseline, window))
        return [remark for remark in written if not remark.startswith("Repeated word")]

    reference = write(tmp_path / "reference.jsonl", 150, user=user)
    bare = write(tmp_path / "bare.jsonl", 150, user=None)
    counts = " of 120 exchanges in the window, {} of 150 in the baseline."
    unnamed = write(tmp_path / "unnamed.jsonl", 120, user=None)
    remedy, remark = remarks(reference, unnamed)
    assert "`user`" in remedy
    assert f"Without an end user: 120{counts.format(0)}" in remark
    mixed = write(tmp_path / "mixed.jsonl", 120, user=some)
    _, remark = remarks(reference, mixed)
    assert f"Without an end user: 80{counts.format(0)}" in remark
    (remark,) = remarks(bare, mixed)
    assert f"Without an end user: 80{counts.format(150)}" in remark
    # Too few to alarm have no remark; where nobody is named, a remark says so without counts.
    entry = write(tmp_path / "one.jsonl", 250, user=lambda row: user(row) if row else None)
    assert remarks(reference, entry) == []
    (remark,) = remarks(bare, unnamed)
    assert "No exchange of either side names an end user" in remark


def test_repeated_lines_are_counted_by_id_or_time(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150)  # prompts come again, without id or time
    for repeated in (
        {"id": lambda row: f"id {row % 100}", "metadata": {"seconds": 3}},
        {"timestamp": lambda row: f"2026-11-02T09:{row % 50:02}:00Z", "response": "Yes."},
    ):
        current = write(tmp_path / "current.jsonl", 160, **repeated)
        lines = current.read_text("utf-8").splitlines()
        current.write_text("\n".join(lines[:100] + lines[:60]), encoding="utf-8")
        remarks = compared(reference, current).remarks
        assert any("60 of 160 exchanges of current.jsonl" in remark for remark in remarks)
    current = write(tmp_path / "current.jsonl", 120, id=lambda row: row)
    assert remarks_on(compared(reference, current)) == ()


def test_a_version_replaced_within_a_file_raises_no_alarm(tmp_path: Path) -> None:
    def values(row: int) -> dict[str, str]:
        return {"model_version": "old" if row < 150 else "new"}

    reference = write(
        tmp_path / "reference.jsonl",
        300,
        response="You can do that in the app.",
        metadata={"model_version": "older"},
    )
    current = write(
        tmp_path / "current.jsonl",
        300,
        response=lambda row: "Never heard of it." if row < 150 else "You can do that in the app.",
        timestamp=lambda row: f"2026-11-{2 + row // 30:02}T09:00:00Z",
        metadata=values,
    )
    result = compared(reference, current)
    assert [
        (version.version, version.is_serving, version.verdict) for version in result.versions
    ] == [
        ("old", False, "drift"),
        ("new", True, "no_drift"),
    ]
    assert result.verdict == "no_drift"
    # Lines in another order are the same traffic.
    lines = current.read_text(encoding="utf-8").splitlines()
    current.write_text("\n".join(reversed(lines)), encoding="utf-8")
    again = compared(reference, current)
    assert [(version.version, version.is_serving) for version in again.versions] == [
        ("old", False),
        ("new", True),
    ]


def replaced(row: int) -> dict[str, Any]:
    """Write responses of one version on three days, and of a different version on two."""
    return {
        "response": "You can do that in the app." if row < 180 else "Never heard of it.",
        "metadata": {"model_version": "old" if row < 180 else "new"},
        "timestamp": f"2026-11-{2 + row // 60:02}T09:{row % 60:02}:00Z",
    }


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write exchanges with individual values."""
    requests = write(path, len(rows)).read_text(encoding="utf-8").splitlines()
    lines = [json.dumps(json.loads(line) | row) for line, row in zip(requests, rows, strict=True)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("ahead", [range(1), range(178, 180)], ids=["of the first", "of the last"])
def test_lines_with_a_future_time_do_not_decide_what_serves(tmp_path: Path, ahead: range) -> None:
    """Otherwise, the unchanged earlier version would be the only serving version."""
    reference = write(tmp_path / "reference.jsonl", 300, response="You can do that in the app.")
    rows = [replaced(row) for row in range(300)]
    for row in ahead:
        rows[row]["timestamp"] = "2099-01-01T12:00:00Z"
    result = compared(reference, write_rows(tmp_path / "current.jsonl", rows))
    assert [
        (version.version, version.verdict, version.is_reported) for version in result.versions
    ] == [
        ("old", "no_drift", False),
        ("new", "drift", True),
    ]
    assert result.versions[1].is_serving
    assert result.versions[0].last == datetime(2099, 1, 1, 12, tzinfo=UTC)
    (remark,) = [remark for remark in result.remarks if "clock" in remark]
    noun = "1 exchange" if len(ahead) == 1 else "2 exchanges"
    assert f"{noun} of current.jsonl, up to 2099-01-01 12:00 UTC" in remark


def test_a_file_wholly_in_the_future_still_shows_what_serves(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 300, response="You can do that in the app.")
    rows = [replaced(row) for row in range(300)]
    for row in rows:
        row["timestamp"] = row["timestamp"].replace("2026", "2098")
    result = compared(reference, write_rows(tmp_path / "current.jsonl", rows))
    assert [(version.version, version.is_serving) for version in result.versions] == [
        ("old", False),
        ("new", True),
    ]
    assert any("clock: 300 exchanges of current.jsonl" in remark for remark in result.remarks)


def test_a_line_without_time_drops_all_times_with_a_remark(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150)
    rows = [replaced(row) for row in range(300)]
    rows[7]["timestamp"] = None
    result = compared(reference, write_rows(tmp_path / "current.jsonl", rows))
    assert [version.first for version in result.versions] == [None, None]
    note = "Without a time: 1 of 300 exchanges of current.jsonl"
    assert any(remark.startswith(note) for remark in result.remarks)
    assert not any("reference.jsonl" in remark for remark in result.remarks)  # has no time at all


@pytest.mark.parametrize(
    ("before", "now", "model", "remarks"),
    [
        ("gpt", "gpt", "gpt", []),
        ("", "gpt", "gpt", []),
        ("gpt", "", "", []),
        (
            "gpt",
            "claude",
            "claude",
            [DIFFERENT_MODELS],
        ),
        (
            ("gpt", "claude"),
            ("gpt", "claude"),
            "",
            [
                f"{name}.jsonl has exchanges of 2 models: gpt ({n}), claude ({n}). They are "
                "compared together; to compare each, split the file by `model`."
                for name, n in (("reference", 63), ("current", 60))
            ],
        ),
    ],
    ids=["the same", "the second only", "the first only", "another", "several"],
)
def test_models_named_by_lines_are_reported(
    tmp_path: Path,
    before: str | tuple[str, str],
    now: str | tuple[str, str],
    model: str,
    remarks: list[str],
) -> None:
    def named(models: str | tuple[str, str]) -> Any:
        return models if isinstance(models, str) else lambda row: models[row % 2]

    reference = write(tmp_path / "reference.jsonl", 126, model=named(before))
    result = compared(reference, write(tmp_path / "current.jsonl", 120, model=named(now)))
    assert result.model == model
    assert list(remarks_on(result)) == remarks
    console = Console(width=200, record=True, file=StringIO())
    print_assessment(result, console)
    assert f"120 exchanges of {model or 'the model'} compared with" in console.export_text()


def test_withheld_texts_are_reported_with_their_share(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 120)
    texts = SETTINGS.traffic.withheld_texts
    current = write(
        tmp_path / "current.jsonl",
        160,
        response=lambda row: texts[0] if row < 40 else "You can do that in the app.",
    )
    result = compared(reference, current)
    assert any(
        remark.startswith("current.jsonl: Not compared: 40 exchanges (25%)")
        for remark in result.remarks
    )


def test_a_small_current_version_does_not_get_its_predecessors_verdict(
    tmp_path: Path,
) -> None:
    reference = write(tmp_path / "reference.jsonl", 300, response="You can do that in the app.")
    current = write(
        tmp_path / "current.jsonl",
        140,
        response=lambda row: "Never heard of it." if row < 120 else "You can do that in the app.",
        timestamp=lambda row: f"2026-11-{2 + row // 20:02}T09:00:00Z",
        metadata=lambda row: {"model_version": "old" if row < 120 else "new"},
    )
    result = compared(reference, current)
    assert (result.verdict, result.alarm) == ("not_enough_data", False)
    for fact in ("version new (20 of 140 exchanges)", "`drift.min_samples` requires 100"):
        assert fact in result.headline
    assert [
        (version.version, version.is_reported, version.verdict, version.alarm)
        for version in result.versions
    ] == [
        ("old", False, "drift", False),
        ("new", True, "not_enough_data", False),
    ]
    assert any(
        remark.startswith("Version old, 120 ") and "drift" in remark for remark in result.remarks
    )


@pytest.mark.parametrize(
    ("n_small", "verdict"), [(90, "not_enough_data"), (18, "not_enough_data"), (8, "no_drift")]
)
def test_a_version_too_small_to_compare_is_named_with_share(
    tmp_path: Path, n_small: int, verdict: str
) -> None:
    reference = write(tmp_path / "reference.jsonl", 300, response="You can do that in the app.")
    current = write(
        tmp_path / "current.jsonl",
        160 + n_small,
        response=lambda row: "You can do that in the app." if row < 160 else "Never heard of it.",
        metadata=lambda row: {"model_version": "a" if row < 160 else "b"},
    )
    result = compared(reference, current)
    assert (result.verdict, result.alarm) == (verdict, False)
    share = format_share(n_small / (160 + n_small))
    assert f"version b ({n_small})" in result.headline
    is_first = result.headline.startswith(f"{share} of the exchanges")
    assert is_first is (verdict == "not_enough_data")
    assert result.versions[0].is_reported


def test_small_versions_are_pooled_beside_a_large_version(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 300, response="You can do that in the app.")
    current = write(
        tmp_path / "current.jsonl",
        320,
        response=lambda row: "You can do that in the app." if row < 160 else "Never heard of it.",
        metadata=lambda row: {"model_version": "a" if row < 160 else "bc"[row % 2]},
    )
    result = compared(reference, current)
    assert [version.pooled_versions for version in result.versions] == [(), ("b", "c")]
    assert result.verdict == "drift"
    assert result.headline.startswith("Versions b and c (160 of 320 exchanges): ")
    assert any(remark.endswith(": b (80), c (80).") for remark in result.remarks)


@pytest.mark.parametrize("n_before", [90, 0])
def test_responses_that_cannot_be_compared_are_no_proof(tmp_path: Path, n_before: int) -> None:
    def responses(n: int, text: str) -> Any:
        return lambda row: text if row < n else ""

    reference = write(
        tmp_path / "reference.jsonl",
        150,
        response=responses(n_before, "You can do that in the app."),
    )
    current = write(
        tmp_path / "current.jsonl", 150, response=responses(n_before or 150, "Never heard of it.")
    )
    result = compared(reference, current)
    assert (result.verdict, result.alarm) == ("not_enough_data", False)
    assert (result.input.verdict, result.output.verdict) == ("no_drift", "not_enough_data")
    assert "responses could not be compared" in result.headline
    assert result.output.untested_reason == "few_responses"
    assert any(
        f"{n_before or 150} of 150 exchanges in the window and {n_before} of 150" in remark
        for remark in result.remarks
    )


def test_responses_to_new_prompts_cannot_be_compared(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 300)
    other = write(
        tmp_path / "other.jsonl",
        150,
        prompt=lambda row: f"bitcoin wallet {row % 8} exchange {row // 8}",
    )
    result = compared(reference, other)
    assert (result.verdict, result.output.verdict) == ("drift", "not_enough_data")
    assert result.output.untested_reason == "few_comparable_prompts"
    assert any("fewer than 100 prompts of a side" in remark for remark in result.remarks)


def test_with_several_versions_the_basis_is_that_of_the_files(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150, user=lambda row: f"u{row}")
    current = write(
        tmp_path / "current.jsonl",
        300,
        user=lambda row: f"u{row // 3}" if row < 270 else "",
        metadata=lambda row: {"model_version": "ab"[row % 2]},
    )
    result = compared(reference, current)
    assert result.basis is not None
    assert (result.basis.current.n_end_users, result.basis.reference.n_end_users) == (90 + 30, 150)
    assert (result.basis.seed, result.basis.levels) == (SETTINGS.drift.seed, SETTINGS.alarm_levels)
    assert [version.n_end_users for version in result.versions] == [90 + 15, 90 + 15]
    assert [version.levels for version in result.versions] == [SETTINGS.alarm_levels.share(2)] * 2
    assert len({result.basis.seed, *(version.seed for version in result.versions)}) == 3
    assert {version.baseline for version in result.versions} == {result.basis.reference.digest}
    assert result.basis.reference.digest


def test_versions_in_the_reference_are_reported(tmp_path: Path) -> None:
    reference = write(
        tmp_path / "reference.jsonl", 150, metadata=lambda row: {"model_version": row // 100}
    )
    result = compared(reference, write(tmp_path / "current.jsonl", 120))
    assert any(
        remark.startswith("reference.jsonl has")
        and "2 versions of the model: 0 (100), 1 (50)" in remark
        for remark in result.remarks
    )


def test_a_failed_evidently_report_is_left_out_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise ZeroDivisionError("no bins")

    monkeypatch.setattr(evidently, "render_evidently", fail)
    monkeypatch.chdir(tmp_path)
    file, page = str(write(tmp_path / "a.jsonl", 120)), tmp_path / "page.html"
    options = ["--html", str(page), "--evidently", "evidently.html"]
    monkeypatch.setattr("sys.argv", ["driftwarden", "compare", file, file, *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "ZeroDivisionError: no bins" in capsys.readouterr().err
    assert "evidently.html" not in page.read_text(encoding="utf-8")


def test_result_without_enough_data_names_files_and_basis(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150, task_type="cards")
    current = write(tmp_path / "current.jsonl", 7, task_type="cards")
    result = compared(reference, current)
    assert result.verdict == "not_enough_data"
    assert result.mix_reference == result.mix_current == {"cards": 1.0}
    assert result.basis is not None
    assert (result.basis.reference.name, result.basis.current.name) == (
        reference.name,
        current.name,
    )
    assert result.basis.current.digest
    assert result.basis.encoder == ""  # not loaded
    # A tokenizer makes vectors, a hash says by which half an answer's form is judged.
    assert {"transformers", "xxhash", "numpy"} <= set(result.basis.versions)
    assert result.basis.settings["min_samples"] == 100


@pytest.mark.parametrize(
    "setting", [("EMBEDDING__MODEL", "no/such/folder"), ("DRIFT__ALPHA", "much")]
)
def test_every_status_that_it_ends_with_is_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str]
) -> None:
    monkeypatch.setattr(comparing, "open_encoder", load_encoder)
    monkeypatch.setenv(f"DRIFTWARDEN_{setting[0]}", setting[1])
    monkeypatch.chdir(tmp_path)
    file = str(write(tmp_path / "a.jsonl", 3))
    monkeypatch.setattr("sys.argv", ["driftwarden", "compare", file, file])
    with pytest.raises(SystemExit) as ended:
        main()
    assert f"| {ended.value.code} |" in PAGE.read_text(encoding="utf-8")


def test_equal_prompts_are_compared_in_pairs(tmp_path: Path) -> None:
    def release(name: str, words: int, score: float) -> Path:
        path = tmp_path / name
        lines = [
            {
                "prompt": f"where is parcel {row} of the {PLACES[row % 8]} shop",
                "response": " ".join(f"w{row * word % 97}" for word in range(1, words + row % 7)),
                "metadata": {"judge": 1.0 + row % 5 * 0.8 + score * (row % 3)},
            }
            for row in range(150)
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        return path

    before = release("before.jsonl", 30, 0.0)
    result = compared(before, release("after.jsonl", 27, -0.1))
    output = result.output
    assert (output.n_pairs, output.alarm, result.input.verdict) == (150, True, "no_drift")
    assert result.input.n_pairs is None
    assert "The same 150 prompts on both sides: compared in pairs." in result.remarks
    length = next(change for change in output.descriptors if change.name == "length in tokens")
    assert length.lower < -0.09 < length.upper < 0
    (judge,) = [column for column in result.numeric_columns if column.name == "judge"]
    assert judge.adjusted_p_value < 1e-6
    same = compared(before, before)
    assert (same.output.n_pairs, same.output.p_value, same.input.p_value) == (150, 1.0, 1.0)
