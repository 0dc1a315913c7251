"""Sentence encoders, with the identity of the model that made a vector."""
