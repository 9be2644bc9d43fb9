"""Text Generation Inference 3.3, native and `/v1`. Shapes come from reading its source, not from a recording."""
