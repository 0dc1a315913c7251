"""Sampled exchanges and their vectors: written in blocks, read by window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select

from monitor.errors import NotFoundError
from monitor.store.tables import EmbeddingBlock, Exchange
