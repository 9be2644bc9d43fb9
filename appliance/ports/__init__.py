"""What features and the pipeline need from the world, as Protocols. `tests/contract` holds adapters to them."""
