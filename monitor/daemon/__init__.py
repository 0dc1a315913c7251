"""The daemon: composition root, schedule, and the parts that it runs."""
