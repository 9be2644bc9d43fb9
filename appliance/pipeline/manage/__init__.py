"""What administrators do: each use case is one transaction, and each change leaves one event that holds no secret."""
