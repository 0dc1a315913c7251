"""Guidelines, edited and published by leads."""
