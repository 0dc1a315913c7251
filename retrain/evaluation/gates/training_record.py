"""Comparison of a run's data on disk with what the database records of it."""

from collections.abc import Mapping
from pathlib import Path

from monitor.store.training.candidate_results import GateCheck
from retrain.data.data_card import digest_of_rows
from retrain.evaluation.request import TrainingRecord
from retrain.run_folder import RunFolder, read_lines


def changed_files(folder: RunFolder, record: TrainingRecord) -> list[str]:
    """Return the names of a run's data files that don't hold the recorded rows.

    What is missing holds no other rows, and without a record nothing can differ.
    """
    recorded: Mapping[Path, str | None] = {
        folder.training_data: record.training,
        folder.validation_data: record.validation,
    }
    return [
        path.name
        for path, digest in recorded.items()
        if digest is not None and path.is_file() and _digest_of(path) != digest
    ]


def _digest_of(path: Path) -> str:
    try:
        return digest_of_rows(read_lines(path))
    except ValueError:  # whoever reads the examples says which line is no JSON
        return ""


def check_changed_files(names: list[str]) -> list[GateCheck]:
    """Return an undecided check of files that don't hold the recorded rows; else none."""
    if not names:
        return []
    files = " and ".join(names)
    return [
        GateCheck(
            "the run's data is what was trained on",
            "undecided",
            f"{files}: not the recorded rows, so that nobody knows which items were trained on; "
            "restore the file or train again; if an end user's rows were erased, approve with a "
            "reason",
            "the digest that was recorded when the version was trained",
            code="training_record",
        )
    ]
