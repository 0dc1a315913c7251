"""Jars of Kafka from the Maven registry; `python -m bench.services.kafka_jars` fetches them."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.services.requirement import missing, program

POM = Path(__file__).parent / "broker" / "pom.xml"
MAVEN_HINT = "install Maven (`apt-get install maven`)"


def kafka_jars() -> Path:
    """Return the folder of the broker's jars, downloading them where they aren't there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "driftwarden" / "kafka-4.3.1"
    if folder.is_dir():
        return folder
    maven = program("mvn", MAVEN_HINT)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Another run may download at the same moment: each into its own folder, the first one stays.
    download = Path(tempfile.mkdtemp(dir=folder.parent, prefix="download-"))
    done = subprocess.run(
        [
            maven,
            "-q",
            "-B",
            "-f",
            POM,
            "dependency:copy-dependencies",
            f"-DoutputDirectory={download}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        shutil.rmtree(download)
        missing(
            "Kafka", f"Maven could not fetch its jars: {done.stdout[-500:]}{done.stderr[-500:]}"
        )
    try:
        download.rename(folder)
    except OSError:
        shutil.rmtree(download)
    return folder


if __name__ == "__main__":
    kafka_jars()
