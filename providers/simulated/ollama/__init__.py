"""Ollama, native and `/v1`. Shapes come from reading its source (0.33), not from a recording."""
