"""The evaluation child in the process of the tests."""

import sys

from retrain.evaluation import child
from retrain.run_folder import RunFolder

#: Packages that a child hides from its libraries for as long as its process lives.
HIDDEN = "bitsandbytes"


def evaluate_here(run: RunFolder) -> int:
    """Evaluate the request in a run folder; return the exit status.

    What the child hides is there again for the tests that follow in the process.
    """
    was_hidden = HIDDEN in sys.modules
    try:
        return child.main([str(run.root)])
    finally:
        if not was_hidden and sys.modules.get(HIDDEN, sys) is None:
            del sys.modules[HIDDEN]
