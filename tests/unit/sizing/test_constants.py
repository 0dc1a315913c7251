"""The file of constants: the keys are those of the code, and it says where they come from."""

import json
from dataclasses import asdict, fields, replace
from datetime import date
from pathlib import Path

import pytest

from monitor.settings import default_configuration
from monitor.sizing.constants import (
    CONSTANTS_FILE,
    Constants,
    read_measurement,
    write_measurement,
)
from monitor.sizing.load import load_of
from monitor.sizing.plan import make_plan


def test_stored_keys_are_those_of_the_code() -> None:
    stored = json.loads(CONSTANTS_FILE.read_text(encoding="utf-8"))
    assert set(stored["constants"]) == {field.name for field in fields(Constants)}
    assert all(number >= 0 for number in stored["constants"].values())
    assert date.fromisoformat(stored["measured_on"])
    assert stored["command"] == "make bench AREA=sizing"
    assert stored["machine"]


def test_every_constant_is_used_by_a_line() -> None:
    constants = read_measurement().constants
    used = {
        name
        for database in ("sqlite", "postgresql")
        for line in make_plan(
            load_of(
                default_configuration(),
                {"requests_per_day": 1e6, "database": database, "exchange_days": 90.0},
            ),
            constants,
        ).lines
        for name in line.constants
    }
    assert used == {field.name for field in fields(Constants)}


def test_a_written_file_is_read_with_four_digits(tmp_path: Path) -> None:
    path = tmp_path / "constants.json"
    measurement = read_measurement()
    constants = replace(measurement.constants, row_bytes=1234.5678)
    write_measurement(replace(measurement, constants=constants), path)

    assert read_measurement(path).constants == replace(constants, row_bytes=1235.0)


@pytest.mark.parametrize("change", ["lacks", "adds"])
def test_a_file_with_other_keys_is_refused(tmp_path: Path, change: str) -> None:
    document = asdict(read_measurement())
    if change == "lacks":
        del document["constants"]["row_bytes"]
    else:
        document["constants"]["row_byte"] = 1.0
    path = tmp_path / "constants.json"
    path.write_text(json.dumps(document))

    with pytest.raises(ValueError, match="row_byte"):
        read_measurement(path)
