"""Two further OpenAI dialects, as they ran: llama-cpp-python's server and `transformers serve`."""
