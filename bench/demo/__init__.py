"""Time of the demo."""
