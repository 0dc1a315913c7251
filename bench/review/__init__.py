"""Expert review: batch, estimate, decision and page, measured."""

from bench.review.figures import run

__all__ = ["run"]
