"""Finding personal data in worker processes, and putting placeholders in its place: see docs/decisions/0017."""
