"""Life cycle of a review item."""
