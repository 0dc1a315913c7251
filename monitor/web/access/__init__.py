"""The access log: which routes show texts of end users, its entries, and its page."""
