"""From production's records to stored exchanges: sample, decode, redact, embed, store."""
