"""One file per verb: what it asks, and the order of its steps."""
