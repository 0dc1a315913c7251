"""Commands about end users: erasure, export, suppression, keys of ids, inventory, retention."""
