"""The public API: names, and what their imports cost."""

import subprocess
import sys
from pathlib import Path

import pytest

import driftwarden

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "pandas", "plotly", "sqlalchemy", "pydantic", "msgspec", "sklearn", "structlog")


def test_every_name_is_exported_and_listed() -> None:
    assert dir(driftwarden) == sorted(driftwarden.__all__)
    for name in driftwarden.__all__:
        assert getattr(driftwarden, name) is not None
    assert driftwarden.__version__.count(".") >= 1


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = driftwarden.nothing  # type: ignore[attr-defined]


def loaded(program: str) -> set[str]:
    """Return the packages that a program loads in an interpreter of its own."""
    listing = f"import sys\n{program}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_import_loads_no_library() -> None:
    packages = loaded("import driftwarden")
    assert not packages & {"numpy", "scipy", "monitor", *HEAVY}


@pytest.mark.slow
def test_the_functions_on_arrays_load_numpy_and_scipy_only() -> None:
    packages = loaded("from driftwarden import compare, compare_given, DriftResult, to_evidently")
    assert {"numpy", "scipy"} <= packages
    assert not packages & set(HEAVY)


def test_the_package_defines_nothing() -> None:
    for module in (ROOT / "driftwarden").glob("*.py"):
        assert "def compare" not in module.read_text(encoding="utf-8")
    for name in driftwarden.__all__:
        if name != "__version__":
            assert getattr(driftwarden, name).__module__.startswith("monitor.")


@pytest.mark.slow
def test_a_missing_extra_is_named_where_it_is_needed() -> None:
    program = """
sys.modules["msgspec"] = None
from driftwarden import compare
try:
    from driftwarden import compare_exchanges
except ImportError as error:
    print("driftwarden.compare_exchanges" in str(error), "driftwarden[text]" in str(error))
"""
    printed = loaded(program)
    assert {"True", "numpy"} <= printed
    assert "False" not in printed
