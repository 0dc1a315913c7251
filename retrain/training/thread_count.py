"""Thread count of a run, kept for bit-identical resumption."""

import torch

from retrain.run_folder import RunFolder, read_json, write_json


def restore_thread_count(folder: RunFolder) -> None:
    """Compute with as many threads as the run began with.

    Sums over several threads are added up in another order than those over one, so a child that
    goes on in another environment, as a daemon's does that was started from a shell, would end
    with other last bits.
    """
    began = read_json(folder.threads)
    if began is None:
        write_json(folder.threads, {"threads": torch.get_num_threads()})
    else:
        torch.set_num_threads(int(began["threads"]))
