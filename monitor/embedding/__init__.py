"""Texts to unit-norm vectors, with the encoder's identity beside them."""
