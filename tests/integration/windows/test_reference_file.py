"""Reference files: the same figures as of the original, and refusals of what can't be used."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from monitor.errors import InputError
from monitor.settings import Drift, Settings
from monitor.store.windows.assessment import Assessment, FamilyAssessment
from monitor.windows.file_comparison import FileComparison, compare_files
from monitor.windows.reading.two_files import read_two_files
from monitor.windows.reference_file import container
from monitor.windows.reference_file.container import read_content
from monitor.windows.reference_file.detection import KEY, is_reference_file
from monitor.windows.reference_file.saved_reference import save_reference
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.refusals import refusal

SETTINGS = Settings(drift=Drift(n_permutations=199))
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")
SECRET = "my neighbour Waltraud"
#: So different that no output format is learned.
FORMS = (f"Ask {SECRET} at the {{}}.", "{}", '{{"place": "{}"}}', "1. the {}\n2. nothing, or all")


def encoder_of(identity: str = "words@1") -> WordEncoder:
    encoder = WordEncoder()
    encoder.identity, encoder.dimension = identity, 256
    return encoder


def write(path: Path, n: int, *, new: int = 0, **values: Any) -> Path:
    """Write n exchanges, ``new`` of them on a new topic, some with odd texts and labels."""
    lines = [
        {
            "prompt": f"move bitcoin to the {PLACES[row % 8]} wallet"
            if row < new
            else f"my card was declined at the {PLACES[row % 8]} {PLACES[row // 8 % 8]}",
            "response": "" if row % 9 == 0 else FORMS[row % 4].format(PLACES[row % 7]),
            "user": f"user {row // 2}" if row % 5 else "",
            "task_type": "cards" if row % 3 else "",
            "timestamp": f"2026-11-{row % 28 + 1:02} 10:00:00",
            "metadata": {
                "resolved": row % 4 > 0,
                "cost": row * 0.1,
                "finish_reason": "length" if row % 11 == 0 else "stop",
                "comment": f"{SECRET} wrote {row}",
            },
        }
        | values
        for row in range(n)
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def compared(reference: Path, current: Path, identity: str = "words@1") -> FileComparison:
    files, encoder = read_two_files(reference, current, SETTINGS), encoder_of(identity)
    return compare_files(files, SETTINGS, lambda *_: None, encoder=encoder, by="task_type")


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    return (
        write(tmp_path / "before.jsonl", 300),
        write(tmp_path / "now.jsonl", 260, new=60, response="Ask again, and again."),
    )


def saved(sides: tuple[Path, Path], *, with_texts: bool = True) -> tuple[Assessment, Path]:
    comparison = compared(*sides)
    target = sides[0].with_name("saved")
    target.write_bytes(save_reference(comparison.reference_side, with_texts=with_texts))
    return comparison.assessment, target


def test_the_file_gives_the_assessment_of_the_original(sides: tuple[Path, Path]) -> None:
    assessment, target = saved(sides)
    again = compared(target, sides[1])
    assert assessment.alarm
    assert msgspec.json.encode(again.assessment) == msgspec.json.encode(assessment)
    assert save_reference(again.reference_side) == target.read_bytes()


def without_quotes(family: FamilyAssessment) -> FamilyAssessment:
    """Return a family without quotes, and what rules find in texts; events stay."""
    events = tuple(item for item in family.explanations if item.p_value is not None)
    return msgspec.structs.replace(
        family, topics=(), outliers=(), pairs=(), explanations=events, rest=None
    )


def test_without_texts_all_figures_are_the_same(sides: tuple[Path, Path]) -> None:
    assessment, target = saved(sides, with_texts=False)
    stripped = compared(target, sides[1]).assessment
    (remark,) = set(stripped.remarks) - set(assessment.remarks)
    assert "has no texts" in remark
    assert remark.endswith("and no common text or form is found that explains a change.")
    texts = {"headline": "", "findings": (), "finding_kinds": ()}
    changed = {**texts, "remarks": (), "segmentation": None}
    documents = [
        msgspec.structs.replace(
            document,
            **changed,
            input=without_quotes(document.input),
            output=without_quotes(document.output),
        )
        for document in (assessment, stripped)
    ]
    before, now = (msgspec.json.decode(msgspec.json.encode(document)) for document in documents)
    assert before == now
    figures = [
        [msgspec.structs.replace(part, headline="") for part in document.segmentation.segments]
        for document in (assessment, stripped)
        if document.segmentation is not None
    ]
    assert figures[0] == figures[1]
    quoted = [*stripped.output.outliers, *(e for t in stripped.output.topics for e in t.examples)]
    assert quoted
    assert all(example.baseline is None for example in quoted)
    assert stripped.output.pairs == ()
    assert [item.kind for item in assessment.input.explanations] == ["prefix"]
    assert assessment.input.rest is not None
    for family in (stripped.input, stripped.output):
        assert (family.explanations, family.rest) == ((), None)
    assert stripped.findings[0] == "About 24% (16% to 32%) of the prompts are new."


def test_without_texts_the_file_has_no_text(sides: tuple[Path, Path]) -> None:
    for with_texts in (True, False):
        _, target = saved(sides, with_texts=with_texts)
        content = read_content(target)
        unpacked = b"".join(content.rows) + msgspec.json.encode(content.header)
        for text in (b"Waltraud", b"declined", b"holiday"):
            assert (text in unpacked) is with_texts
        assert b'"length"' in unpacked  # a finish reason is a label
    with refusal("reference_without_texts", InputError):
        save_reference(compared(target, sides[1]).reference_side)


def test_a_side_not_embedded_has_no_vectors_to_save(tmp_path: Path) -> None:
    small = write(tmp_path / "small.jsonl", 9)
    side = compared(write(tmp_path / "before.jsonl", 200), small).reference_side
    assert not side.window.prompt_vectors.size


def test_another_encoder_is_refused_with_both_names(sides: tuple[Path, Path]) -> None:
    _, target = saved(sides)
    with refusal("reference_encoder", InputError, match="words@1.*words@2"):
        compared(target, sides[1], identity="words@2")


def test_the_second_file_can_be_no_reference_file(sides: tuple[Path, Path]) -> None:
    _, target = saved(sides)
    with refusal("reference_second", InputError, match="first"):
        compared(sides[0], target)


def rewrite(path: Path, **metadata: bytes) -> None:
    table = parquet.read_table(path)
    changed = {KEY + name.encode(): value for name, value in metadata.items()}
    parquet.write_table(table.replace_schema_metadata({**table.schema.metadata, **changed}), path)


def test_another_version_is_refused(sides: tuple[Path, Path]) -> None:
    _, target = saved(sides)
    parquet.write_table(
        pa.table({"later": [1]}).replace_schema_metadata({KEY: b'{"version": 2}'}), target
    )
    with refusal("reference_version", InputError, match="version 2"):
        compared(target, sides[1])


@pytest.mark.parametrize("position", [0.1, 0.3, 0.5, 0.7, 0.8])
def test_a_changed_byte_is_refused(sides: tuple[Path, Path], position: float) -> None:
    _, target = saved(sides)
    content = bytearray(target.read_bytes())
    content[int(position * len(content))] ^= 4
    target.write_bytes(bytes(content))
    with refusal("reference_damaged", InputError, match="damaged"):
        compared(target, sides[1])


def test_a_changed_row_or_header_is_refused(sides: tuple[Path, Path]) -> None:
    _, target = saved(sides)
    whole = target.read_bytes()
    rewrite(target, **{".digest": b"0" * 64})
    with refusal("reference_damaged", InputError):
        compared(target, sides[1])
    target.write_bytes(whole)
    header = msgspec.structs.replace(read_content(target).header, digest="other")
    rewrite(target, **{"": msgspec.json.encode(header)})
    with refusal("reference_damaged", InputError):
        compared(target, sides[1])


def test_a_file_cut_in_half_is_refused(sides: tuple[Path, Path]) -> None:
    _, target = saved(sides)
    target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
    assert not is_reference_file(target)
    with pytest.raises(InputError, match="saved"):
        compared(target, sides[1])


def test_a_file_that_unpacks_to_far_more_is_refused_unread(
    sides: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target = saved(sides)
    bomb = pa.table(
        [[b"\0" * 2**26], [b""], [b""]],
        names=list(container.COLUMNS),
    ).replace_schema_metadata(parquet.read_schema(target).metadata)
    parquet.write_table(bomb, target, compression="zstd", use_dictionary=False)
    assert target.stat().st_size < 2**20
    monkeypatch.setattr(parquet.ParquetFile, "read", None)
    with refusal("reference_too_large", InputError, match="unpacks"):
        compared(target, sides[1])
