"""Rules of an evaluation against those of earlier ones: no weaker file, no fewer items."""
