"""The story of a request, and of an administrative change."""
