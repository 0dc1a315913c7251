"""Map of a window's prompts."""
