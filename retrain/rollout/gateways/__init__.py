"""Traffic gateways: one file each behind one protocol."""
