"""Labelled embeddings, and the windows with planted drift that are drawn from them."""
