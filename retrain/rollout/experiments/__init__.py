"""Experiments: two versions compared by end user, at a fixed share of the traffic."""
