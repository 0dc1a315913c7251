"""The reference side of a comparison as one file: exchanges, vectors, and their encoder."""
