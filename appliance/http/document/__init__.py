"""The OpenAPI documents of both listeners."""
