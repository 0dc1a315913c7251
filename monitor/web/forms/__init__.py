"""Parts of forms."""
