"""History of a model's windows: the digest and the timeline of the drift page."""
