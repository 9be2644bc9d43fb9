"""Which fields of a request are structure, and which carry words. What is not listed here carries words."""

from typing import Final

# Read by a server as a switch, a name of its own or a grammar: no reader meets them as words.
STRUCTURE: Final = frozenset(
    {
        "audio",
        "cache_salt",
        "encoding_format",
        "function_call",
        "guided_choice",
        "guided_decoding_backend",
        "guided_grammar",
        "guided_regex",
        "logit_bias",
        "modalities",
        "model",
        "object",
        "prompt_embeds",  # a tensor: refused before a redacting walk
        "reasoning_effort",
        "request_id",
        "service_tier",
        "stream",
        "stream_options",
        "tool_choice",
        "truncation",
        "verbosity",
    }
)
# Constant over a conversation, and rendered before it: walked first, so that their numbers never move.
FIRST: Final = ("tools", "functions", "response_format", "guided_json", "structured_outputs", "messages")
FIELDS: Final = frozenset(
    {
        *FIRST,
        "bad_words",
        "chat_template",
        "chat_template_kwargs",
        "documents",
        "input",
        "metadata",
        "prediction",
        "prompt",
        "prompt_cache_key",
        "safety_identifier",
        "stop",
        "suffix",
        "user",
        "web_search_options",
    }
)
# Below those fields: shown in an error's path. Anything else may be a word of the client's own and is shown as `*`.
STEPS: Final = frozenset(
    {
        "arguments",
        "choices",
        "content",
        "custom",
        "delta",
        "description",
        "filename",
        "file",
        "function",
        "function_call",
        "input",
        "json",
        "json_schema",
        "message",
        "name",
        "parameters",
        "properties",
        "reasoning",
        "reasoning_content",
        "refusal",
        "schema",
        "text",
        "tool_calls",
    }
)

MESSAGE_STRUCTURE: Final = frozenset({"audio", "id", "role", "tool_call_id", "type", "images", "videos", "files"})
PART_STRUCTURE: Final = frozenset({"cache_control", "id", "signature", "type"})
CALL_STRUCTURE: Final = frozenset({"id", "index", "type"})
ANY_STRUCTURE: Final = frozenset({"role", "type"})  # in what we know nothing about
PAYLOAD: Final = frozenset(  # of an image, a recording or a file: not text, and not analysed
    {
        "audio_url",
        "b64_json",
        "data",
        "detail",
        "file_data",
        "file_id",
        "format",
        "id",
        "image_url",
        "media_type",
        "mime_type",
        "type",
        "url",
        "uuid",
        "video_url",
    }
)

# JSON Schema 2020-12. Values of a schema that a validator compares with are not words; what explains it is.
SCHEMA_STRUCTURE: Final = frozenset(
    {
        "$anchor",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$ref",
        "$schema",
        "$vocabulary",
        "const",
        "contentEncoding",
        "contentMediaType",
        "dependentRequired",
        "enum",
        "format",
        "pattern",
        "required",
        "type",
    }
)
SCHEMA_NAMES: Final = frozenset(  # keys below these are names, not words of JSON Schema
    {"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}
)
SCHEMA_WORDS: Final = frozenset({"$comment", "default", "description", "example", "examples", "title"})

TEXT_PARTS: Final = frozenset({"input_text", "output_text", "reasoning", "refusal", "summary_text", "text", "thinking"})
MEDIA_KEYS: Final = frozenset(
    {"audio_url", "file", "file_data", "file_id", "image", "image_url", "input_audio", "video", "video_url"}
)
MEDIA_OF_MESSAGE: Final = frozenset({"audio", "files", "images", "videos"})
