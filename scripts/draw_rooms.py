"""Draw docs/images/rooms.svg: the rooms by their layers, and the flows of the architecture page."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/explanation/architecture.md"
PICTURE = ROOT / "docs/images/rooms.svg"
#: A feature that is drawn as one tall room, with its sub-rooms on their layers.
FEATURE = "retrain.rollout"
COLOURS = ("#1d5fbf", "#b3541e", "#2b7a3d")
BOX, GAP, ROW, MARGIN = 108, 8, 42, 14
FEATURE_WIDTH = 3 * (BOX + GAP)


def layers() -> list[list[str]]:
    """Return the rooms of each layer that import-linter holds, the top first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        contract
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["name"] == "Imports run one way"
    )
    return [[name.strip() for name in row.split("|")] for row in contract["layers"]]


def flows() -> dict[str, list[str]]:
    """Return the files of each flow of the page, in order."""
    text = PAGE.read_text(encoding="utf-8").split("## Map")[1].split("\n## ")[0]
    parts = re.split(r"\*\*(.+)\*\*\n", text)[1:]
    return {
        title: re.findall(r"^\d+\. `([^`]+)`", steps, re.MULTILINE)
        for title, steps in zip(parts[::2], parts[1::2], strict=True)
    }


def module_of(path: str) -> str:
    """Return the dotted name of a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def places() -> dict[str, tuple[int, int]]:
    """Return the left upper corner of each room."""
    boxes: dict[str, tuple[int, int]] = {}
    row, is_beside = -1, False
    widest = max(sum(not name.startswith(FEATURE) for name in rooms) for rooms in layers())
    for rooms in layers():
        own = [name for name in rooms if not name.startswith(FEATURE)]
        of_feature = [name for name in rooms if name.startswith(FEATURE)]
        # A layer of the feature alone stands beside the layer above it, where there is room.
        if own or not is_beside:
            row += 1
        is_beside = not of_feature
        top = MARGIN + row * ROW
        left = MARGIN + widest * (BOX + GAP) + GAP
        boxes |= {name: (MARGIN + k * (BOX + GAP), top) for k, name in enumerate(own)}
        boxes |= {name: (left + k * (BOX + GAP), top) for k, name in enumerate(of_feature)}
    return boxes


def room_of(module: str, rooms: dict[str, tuple[int, int]]) -> str:
    """Return the room that a module is in."""
    return max((name for name in rooms if f"{module}.".startswith(f"{name}.")), key=len)


def draw() -> str:
    """Return the picture."""
    boxes = places()
    left = min(x for name, (x, _) in boxes.items() if name.startswith(FEATURE)) - GAP
    width = left + FEATURE_WIDTH + GAP + MARGIN
    feature_height = max(y for name, (_, y) in boxes.items() if name.startswith(FEATURE)) + ROW
    height = max(y for _, y in boxes.values()) + ROW + 24 * len(flows()) + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
        "<style>text { font: 11px sans-serif } .step { font-weight: bold }</style>",
        _box(0, 0, width, height, "#fff"),
        _box(left, 4, FEATURE_WIDTH + GAP, feature_height, "#f4f1e8"),
    ]
    for name, (x, y) in boxes.items():
        label = name.removeprefix(f"{FEATURE}.").removeprefix("monitor.")
        middle = x + BOX / 2
        lines.append(_box(x, y, BOX, 34, "#fff"))
        lines.append(f'<text x="{middle}" y="{y + 13}" text-anchor="middle">{label}</text>')
    marks: dict[str, int] = {}
    bottom = max(y for _, y in boxes.values()) + ROW + 6
    for number, (title, files) in enumerate(flows().items()):
        colour = COLOURS[number]
        steps: dict[str, list[int]] = {}
        for step, file in enumerate(files, 1):
            steps.setdefault(room_of(module_of(file), boxes), []).append(step)
        for room, numbers in steps.items():
            x, y = boxes[room]
            text = _ranges(numbers)
            at = x + 6 + marks.get(room, 0)
            marks[room] = marks.get(room, 0) + 7 * len(text) + 8
            lines.append(f'<text class="step" x="{at}" y="{y + 28}" fill="{colour}">{text}</text>')
        y = bottom + 22 * number + 12
        label = f"{title}: steps 1 to {len(files)}"
        lines.append(f'<text class="step" x="{MARGIN}" y="{y}" fill="{colour}">{label}</text>')
    lines.append(f'<text x="{left + 8}" y="{bottom + 12}">{FEATURE}, one feature</text></svg>')
    return "\n".join(lines) + "\n"


def _box(x: int, y: int, width: int, height: int, fill: str) -> str:
    size = f'width="{width}" height="{height}"'
    return f'<rect x="{x}" y="{y}" {size} rx="5" fill="{fill}" stroke="#667"/>'


def _ranges(numbers: list[int]) -> str:
    """Return numbers as ranges: 1-3, 5."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
