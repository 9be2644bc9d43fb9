"""Frozen values and errors. No I/O, no framework: everything else may import this, this imports nothing of ours."""
