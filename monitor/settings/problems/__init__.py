"""Problems of a configuration: what is wrong, and what to write instead."""
