"""The evaluation of a candidate: benchmarks, three systems on the same items, and the verdict."""
