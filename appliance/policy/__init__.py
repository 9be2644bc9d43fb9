"""What a caller may do with a request: pure decisions over values."""
