"""Description of input files in help texts."""

INPUT_FILES = (
    "JSON, CSV or Parquet, also gzip or zstd; a folder, or FOLDER/SPLIT; 'logs/*.jsonl' or A+B; - "
    "for standard input"
)
