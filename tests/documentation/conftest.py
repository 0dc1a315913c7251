"""Ctrl-C ends what the pages start, wherever the tests run."""

import signal

# A shell ignores it for what it runs in the background, and so do all processes that this starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
