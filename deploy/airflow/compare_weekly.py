"""Airflow DAG: compare last week's exchanges with the reference, each Monday.

The command runs in an environment of its own: neither needs the packages of the other. Variables of
the workers: DRIFTWARDEN (the command), DRIFTWARDEN_REFERENCE (a file), DRIFTWARDEN_REPORTS (a
folder), and DRIFTWARDEN_EXPORTS (a folder with a file for each run, such as 2026-11-02.jsonl).
"""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk import dag, task

NO_DRIFT, DRIFT, NOT_ENOUGH_DATA = 0, 3, 4
#: A file, an option or the settings can't be used: a retry would end the same way.
UNUSABLE = {2, 78}


def compare(current: Path, reports: Path) -> dict[str, str]:
    """Compare a file with the reference; write the report, return verdict and headline.

    Raises:
        AirflowSkipException: There is not enough data, which is no pass.
        AirflowFailException: Drift, or unusable input; neither is repeated.
        RuntimeError: Anything else, which Airflow repeats.
    """
    report = reports / current.with_suffix(".html").name
    command = [
        os.environ.get("DRIFTWARDEN", "driftwarden"),
        *("compare", os.environ["DRIFTWARDEN_REFERENCE"], current),
        *("--json", "--html", report, "--cache", reports / "vectors"),
    ]
    reports.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode in UNUSABLE:
        raise AirflowFailException(done.stderr)
    if done.returncode not in {NO_DRIFT, DRIFT, NOT_ENOUGH_DATA}:
        raise RuntimeError(f"status {done.returncode}: {done.stderr}")
    assessment = json.loads(done.stdout)
    if done.returncode == DRIFT:
        raise AirflowFailException(f"{assessment['headline']} Report: {report}")
    if done.returncode == NOT_ENOUGH_DATA:
        raise AirflowSkipException(assessment["headline"])
    return {"verdict": assessment["verdict"], "headline": assessment["headline"]}


@dag(
    schedule="0 6 * * 1",
    start_date=datetime(2026, 1, 5, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
)
def compare_weekly() -> None:
    """Compare each week's export."""

    @task(task_id="compare", execution_timeout=timedelta(hours=2))
    def compare_export(ds: str | None = None) -> dict[str, str]:
        """Compare the export that is named by the day of the run."""
        export = Path(os.environ["DRIFTWARDEN_EXPORTS"], f"{ds}.jsonl")
        return compare(export, Path(os.environ["DRIFTWARDEN_REPORTS"]))

    compare_export()


compare_weekly()
