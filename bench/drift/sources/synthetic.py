r"""Synthetic embeddings, so that nothing is tuned to one real data set.

Unit vectors around nested centres: one for the whole encoder (real encoders fill a cone, not the
sphere), domains around it, topics around those, samples around topics. A point at cosine
:math:`\rho` from its centre :math:`\mu` is :math:`\rho \mu + \sqrt{1 - \rho^2}\, u`, as in a von
Mises-Fisher distribution of fixed :math:`\rho` (Mardia & Jupp, "Directional Statistics", 2000,
section 9.3), except that the directions :math:`u` have a decaying spectrum, as those of real
encoders have. Topics differ in size and in tightness.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.bench.labelled import OUT_OF_SCOPE, Labelled

DIMENSION = 384
N_DOMAINS = 12
TOPICS_PER_DOMAIN = 15
#: Ranges of the cosine to the parent centre, drawn uniformly.
DOMAIN_COSINE = (0.35, 0.55)
TOPIC_COSINE = (0.5, 0.75)
SAMPLE_COSINE = (0.35, 0.8)
#: Variance of the directions along coordinate j is proportional to (1 + j) to this power.
SPECTRUM_DECAY = -0.7
#: Topics' sizes are proportional to exp(N(0, this^2)).
SIZE_SPREAD = 0.5
SAMPLES_AT_ONCE = 8192


@dataclass(frozen=True)
class World:
    """Centres of topics, from which any number of samples can be drawn."""

    #: float32 ``[n_topics, d]``.
    centres: NDArray[np.float32]
    #: int64 ``[n_topics]``.
    domain: NDArray[np.int64]
    #: ``[n_topics]``, the cosine of a topic's samples to its centre.
    tightness: NDArray[np.float64]
    #: ``[n_topics]``, sums to 1.
    weight: NDArray[np.float64]
    root: NDArray[np.float32]

    def draw(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
        """Return samples in scope, float16 ``[n, d]``, and their topics, int64 ``[n]``."""
        topics = rng.choice(len(self.centres), size=n, p=self.weight)
        vectors = np.empty((n, self.centres.shape[1]), dtype=np.float16)
        for start in range(0, n, SAMPLES_AT_ONCE):
            chunk = topics[start : start + SAMPLES_AT_ONCE]
            vectors[start : start + len(chunk)] = around(
                self.centres[chunk], self.tightness[chunk], rng
            )
        return vectors, topics.astype(np.int64)

    def draw_novel(self, n: int, rng: np.random.Generator) -> NDArray[np.float16]:
        """Return samples out of scope, float16 ``[n, d]``, each of its own topic and domain."""
        domains = around(np.tile(self.root, (n, 1)), rng.uniform(*DOMAIN_COSINE, n), rng)
        topics = around(domains, rng.uniform(*TOPIC_COSINE, n), rng)
        return around(topics, rng.uniform(*SAMPLE_COSINE, n), rng).astype(np.float16)


def make_world(rng: np.random.Generator, *, dimension: int = DIMENSION) -> World:
    """Return a world with random centres."""
    root = around(np.zeros((1, dimension)), np.zeros(1), rng)
    domains = around(np.repeat(root, N_DOMAINS, 0), rng.uniform(*DOMAIN_COSINE, N_DOMAINS), rng)
    n_topics = N_DOMAINS * TOPICS_PER_DOMAIN
    centres = around(
        np.repeat(domains, TOPICS_PER_DOMAIN, 0), rng.uniform(*TOPIC_COSINE, n_topics), rng
    )
    weight = np.exp(rng.normal(0.0, SIZE_SPREAD, n_topics))
    return World(
        centres=centres,
        domain=np.repeat(np.arange(N_DOMAINS), TOPICS_PER_DOMAIN),
        tightness=rng.uniform(*SAMPLE_COSINE, n_topics),
        weight=weight / weight.sum(),
        root=root[0],
    )


def around(
    centres: NDArray[np.floating], cosine: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return one point for each centre at a cosine from it, float32 ``[n, d]``."""
    n, d = centres.shape
    directions = rng.standard_normal((n, d), dtype=np.float32)
    directions *= np.power(np.arange(1, d + 1, dtype=np.float32), SPECTRUM_DECAY / 2)
    along = np.einsum("ij,ij->i", directions, centres)
    directions -= along[:, None] * centres
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points: NDArray[np.float32] = (
        cosine[:, None] * centres + np.sqrt(1.0 - cosine**2)[:, None] * directions
    ).astype(np.float32)
    return points


def make_synthetic(seed: int, *, n_in_scope: int = 50_000, n_novel: int = 3_000) -> Labelled:
    """Return a synthetic data set of the same structure as real ones."""
    rng = np.random.default_rng(seed)
    world = make_world(rng)
    vectors, topics = world.draw(n_in_scope, rng)
    none = np.full(n_novel, OUT_OF_SCOPE)
    return Labelled(
        vectors=np.concatenate([vectors, world.draw_novel(n_novel, rng)]).astype(np.float32),
        topics=np.concatenate([topics, none]),
        domains=np.concatenate([world.domain[topics], none]),
    )
