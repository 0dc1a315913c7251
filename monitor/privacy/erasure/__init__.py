"""Erasure of an end user: removal, masking, taints, the search afterwards, tasks by hand."""
