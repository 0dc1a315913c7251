"""The evaluation of a window, which crashes or hangs while a file says so."""

import json
import os
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from monitor.settings import Settings
from monitor.store.windows.claims import EvaluationClaim
from monitor.windows.evaluation import evaluate_claimed

#: Names the file: {"MODEL": {"fault": "crash" or "hang", "end": END OF THE WINDOW}}.
VARIABLE = "ALARMS_EVALUATION_FAULTS"
POLL_SECONDS = 0.2


def evaluate(
    engine: Engine,
    settings: Settings,
    claim: EvaluationClaim,
    bounds: tuple[datetime, datetime],
    now: datetime,
    *,
    encoder: Any,
) -> bool:
    """Evaluate a window, unless a fault is set for it: then die by SIGKILL, or hang meanwhile."""
    while fault := _fault(settings.model.name, bounds[1]):
        if fault == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    return bool(evaluate_claimed(engine, settings, claim, bounds, now, encoder=encoder))


def _fault(model: str, end: datetime) -> str:
    path = Path(os.environ[VARIABLE])
    faults = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    fault = faults.get(model, {})
    return str(fault["fault"]) if fault.get("end") == end.isoformat() else ""
