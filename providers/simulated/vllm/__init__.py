"""vLLM's OpenAI-compatible server, 0.32 as it ran and 0.33 as its source reads."""
