"""Progress of a child in a file: lines that can be read at once."""

from pathlib import Path

from monitor.cli.retrain.progress import LINE_SECONDS, shown_progress


def test_lines_are_in_the_file_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "log"
    seconds = iter([0.0, 1.0, 1.1, 2.0, 6.1, 7.0, 7.5])
    with path.open("w") as file, shown_progress("loading", file, lambda: next(seconds)) as show:
        assert path.read_text() == "loading\n"
        show("loading")  # unchanged
        show("waiting: no memory")
        show("loss 2", 1, 20)  # too soon after the last line
        show("loss 1", 9, 20)
        assert path.read_text().splitlines()[1:] == ["waiting: no memory", "step 9 of 20: loss 1"]
        show("loss 1", 10, 20)
        show("loss 0", 20, 20)  # the end is never left out
        assert path.read_text().splitlines()[-1] == "step 20 of 20: loss 0"
    assert LINE_SECONDS < 10
