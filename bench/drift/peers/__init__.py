"""Other drift tests, called as their users would call them."""
