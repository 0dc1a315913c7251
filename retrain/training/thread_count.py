"""Thread count of a run, kept for bit-identical resumption."""

import torch

from retrain.run_folder import RunFolder, read_json, write_json


def restore_thread_count(folder: RunFolder) -> None:
    """Use the same number of threads as at the start of the run.

    The number of threads changes the order of sums. A child resumed in another environment, such as
    a shell, would otherwise compute results that differ in the last bits.
    """
    began = read_json(folder.threads)
    if began is None:
        write_json(folder.threads, {"threads": torch.get_num_threads()})
    else:
        torch.set_num_threads(int(began["threads"]))
