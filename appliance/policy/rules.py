"""Request fields that reach past one request: they pass only where the key's policy names them.

Sources: vLLM's request extras (queue jumping by `priority`, isolation by `cache_salt`, the prompt's frame by
`chat_template`), and routing fields that other gateways take from clients (CVE-2024-6587: a client's `api_base`).
"""

GUARDED: frozenset[str] = frozenset(
    {
        "cache_salt",
        "chat_template",
        "kv_transfer_params",
        "media_io_kwargs",
        "mm_processor_kwargs",
        "priority",
        "request_id",
        "return_prompt_text",
        "session_id",
        "vllm_xargs",  # engine arguments of one request
    }
)
"""Refused with 403 unless the key lists the field."""

NEVER: frozenset[str] = frozenset({"api_base", "api_key", "api_version", "base_url", "fallbacks", "user_config"})
"""Fields that steer a gateway itself. No key may send them: where a request goes is the operator's word alone."""

USUAL: frozenset[str] = frozenset(
    {
        "dimensions",
        "encoding_format",
        "frequency_penalty",
        "input",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "presence_penalty",
        "prompt",
        "response_format",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    }
)
"""What most requests are made of: a body of these alone needs no closer look."""
