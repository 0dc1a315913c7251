"""Input files as JSON objects: JSON, CSV, Parquet, compressed text, folders, standard input.

Objects come in the order of the file, each as JSON bytes; memory does not grow with the file.
"""

from monitor.input_files.source import InputSource, open_source, open_two, source_of_bytes

__all__ = ["InputSource", "open_source", "open_two", "source_of_bytes"]
