"""Start of `driftwarden compare`: a file is refused before what compares is loaded."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from monitor.cli import main
try:
    main()
except SystemExit as ended:
    heavy = ("scipy", "onnxruntime", "tokenizers", "torch", "sqlalchemy", "pyarrow")
    print(ended.code, sorted(set(heavy) & set(sys.modules)))
"""


def test_bad_lines_are_refused_before_heavy_imports(tmp_path: Path) -> None:
    path = tmp_path / "five.jsonl"
    path.write_text('{"prompt": 1}\n' * 5)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "compare", str(path), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert "lines 1 to 5" in ended.stderr
    assert ended.stdout == "2 []\n"
