"""Search for known vulnerabilities of the pinned packages, by pip-audit.

`make audit` runs this. pip-audit reports "no known vulnerabilities" of packages that its database
doesn't have, such as where an index without one takes the place of PyPI. So a version with known
vulnerabilities is asked for first, and packages that could not be looked up are no result.

Exit status 0: all were looked up, none is known to be vulnerable; 1: some are; 75: no response.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Known to be vulnerable since 2024 (CVE-2024-22195): a database that says otherwise has no data.
CONTROL = "jinja2==3.1.2"
EX_TEMPFAIL = 75
TIMEOUT_SECONDS = 900


class NoResponseError(Exception):
    """Raised when the database of vulnerabilities can't be asked."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit the pins; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pins", type=Path, default=ROOT / "constraints.txt")
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi")
    parser.add_argument("--osv-url", default="", help="address of an OSV server of your own")
    options = parser.parse_args(arguments)
    service = ["--vulnerability-service", options.service]
    if options.osv_url:
        service = ["--vulnerability-service", "osv", "--osv-url", options.osv_url]
    try:
        with tempfile.TemporaryDirectory() as folder:
            control = Path(folder) / "control.txt"
            control.write_text(f"{CONTROL}\n", encoding="utf-8")
            known, _skipped = _ask(control, service)
        if not known:
            raise NoResponseError(  # noqa: TRY301
                f"it knows no vulnerability of {CONTROL}, which has some: it has no data"
            )
        vulnerable, skipped = _ask(options.pins, service)
    except NoResponseError as error:
        _say(f"no response from the database of vulnerabilities: {error}")
        _say("nothing is known about the pinned packages; run this where it can be reached")
        return EX_TEMPFAIL
    for line in vulnerable:
        _say(line)
    if skipped:
        _say(f"not looked up: {', '.join(skipped)}")
    if vulnerable:
        return 1
    if skipped:
        return EX_TEMPFAIL
    _say(f"no known vulnerability in {options.pins.name}")
    return 0


def _ask(pins: Path, service: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a line for each vulnerable package, and the packages without a result.

    Raises:
        NoResponseError: The database can't be reached.
    """
    command = [
        *(sys.executable, "-m", "pip_audit", "--requirement", str(pins), "--no-deps"),
        *("--disable-pip", "--format", "json", "--desc", "off", "--progress-spinner", "off"),
        *service,
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        raise NoResponseError(f"none within {TIMEOUT_SECONDS} s") from None
    except (ValueError, KeyError):
        lines = done.stderr.strip().splitlines() or ["pip-audit ended without a result"]
        raise NoResponseError(lines[-1]) from None
    lines = [
        f"{package['name']} {package['version']}: {_described(vulnerability)}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    return lines, [package["name"] for package in packages if "skip_reason" in package]


def _described(vulnerability: dict[str, Any]) -> str:
    fixed = ", ".join(vulnerability.get("fix_versions", ())) or "no version yet"
    names = ", ".join([vulnerability["id"], *vulnerability.get("aliases", ())])
    return f"{names}; fixed in {fixed}"


def _say(text: str) -> None:
    sys.stdout.write(f"audit: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
