"""Two files of one comparison, whose columns are guessed from their own first rows."""

from typing import Any

import pytest

from monitor.errors import InputError
from monitor.traffic.files.shapes import detect_shape
from monitor.traffic.files.shapes.column_rows import check_same_columns
from tests.support.refusals import refusal

LABELS = ["a.csv", "b.csv"]


def rows(**columns: Any) -> list[dict[str, Any]]:
    """Return four rows; a text ends with the row's number, a list is as it is."""
    return [
        {
            name: f"{value} {n}" if isinstance(value, str) else value[0]
            for name, value in columns.items()
        }
        for n in range(4)
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            rows(prompt=["Be kind."], question="q", answer="a"),
            rows(prompt="Be kind", question=["q"], answer="a"),
        ),
        (rows(question="q", answer="a"), rows(question="q", answer="a", model_output="b")),
        (rows(question="q", output="a"), rows(question="q", output=[3])),
    ],
    ids=["prompt", "response", "no response"],
)
def test_same_column_read_in_one_file_only_is_refused(
    first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    shapes = [detect_shape(first), detect_shape(second)]

    with refusal("different_columns", InputError):
        check_same_columns(shapes, LABELS)


def test_files_with_names_of_their_own_are_compared() -> None:
    shapes = [
        detect_shape(rows(question="q", answer="a")),
        detect_shape(rows(query="q", reply="a")),
    ]

    check_same_columns(shapes, LABELS)
    check_same_columns([shapes[0], None], LABELS)
