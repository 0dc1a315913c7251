"""Messages at the time of sending: made again or withdrawn, and attempted."""
