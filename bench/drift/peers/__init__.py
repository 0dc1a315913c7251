"""Other tests of drift, called as their users would call them."""
