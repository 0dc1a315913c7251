"""Description of input files in help texts."""

INPUT_FILES = (
    "JSON (lines, an array, objects), CSV or Parquet, also gzip or zstd; a folder of data files, "
    "or FOLDER/SPLIT; - for standard input"
)
