"""The JSON of vLLM's chat answers: explicit nulls when whole, only what was set when streamed."""

from typing import Any

import msgspec

from providers.simulated.compose import Call, Plan
from providers.simulated.dialogue import ChatBody, render
from providers.simulated.generate import logprob, seed_of, token_ids
from providers.simulated.settings import VllmSettings

FINGERPRINT = "vllm-{version}-1f2e3d4c"


class Run(msgspec.Struct, kw_only=True):
    """One chat request under way: everything its answer is made of."""

    id: str
    model: str
    created: int
    settings: VllmSettings
    body: ChatBody
    prompt_tokens: int
    cached_tokens: int
    created_tokens: int  # of the prompt, newly in the prefix cache
    images: int
    plans: tuple[Plan, ...]  # one per choice
    tool_mode: str = "none"  # none | auto | required | named

    @property
    def fingerprint(self) -> str:
        """Changes with the version."""
        return FINGERPRINT.format(version=self.settings.version)

    @property
    def tokens(self) -> int:
        """Generated for all choices."""
        return sum(plan.tokens for plan in self.plans)

    @property
    def prompt_ids(self) -> list[int] | None:
        """The prompt's tokens, when ids are asked for."""
        return token_ids(render(self.body.messages, self.body.tools).text) if self.body.return_token_ids else None

    def usage(self, tokens: int | None = None, *, nulls: bool = False) -> dict[str, Any]:
        """The usage object, after `tokens` generated tokens (None: all). Told on the way, it has one null."""
        done = self.tokens if tokens is None else tokens
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + done,
            "completion_tokens": done,
        }
        details = {
            "cached_tokens": self.cached_tokens,
            "created_cache_tokens": self.created_tokens,
            "multimodal_tokens": self.images or None,
        }
        if self.settings.prompt_tokens_details:
            usage["prompt_tokens_details"] = {k: v for k, v in details.items() if nulls or v is not None}
        elif nulls:
            usage["prompt_tokens_details"] = None
        if self.settings.reasoning:
            thought = min(done, sum(len(plan.thought) for plan in self.plans))
            usage["completion_tokens_details"] = {"reasoning_tokens": thought}
        elif nulls or tokens is not None:
            usage["completion_tokens_details"] = None
        return usage


def finish_reason(run: Run, plan: Plan) -> str:
    """A named choice says `stop` although a tool was called."""
    if plan.finish == "length":
        return "length"
    if plan.calls and run.tool_mode != "named":
        return "tool_calls"
    return "stop"


def whole(run: Run) -> dict[str, Any]:
    """The answer to a request that is not streamed."""
    return {
        "id": run.id,
        "object": "chat.completion",
        "created": run.created,
        "model": run.model,
        "choices": [_choice(run, plan, index) for index, plan in enumerate(run.plans)],
        "service_tier": None,
        "system_fingerprint": run.fingerprint,
        "usage": run.usage(nulls=True),
        "prompt_logprobs": None,
        "prompt_token_ids": run.prompt_ids,
        "prompt_text": None,
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "metrics": None,
    }


def _choice(run: Run, plan: Plan, index: int) -> dict[str, Any]:
    content: str | None = plan.content
    if plan.calls:
        content = None if run.tool_mode == "auto" else ""
    elif plan.thought and not plan.text:
        content = None
    message: dict[str, Any] = {
        "role": "assistant",
        "content": content,
        "refusal": None,
        "annotations": None,
        "audio": None,
        "function_call": None,
    }
    if plan.calls:
        message["tool_calls"] = [
            {"id": call_id(run, index, at), "type": "function", "function": _function(call)}
            for at, call in enumerate(plan.calls)
        ]
    message["reasoning"] = plan.reasoning if plan.thought and run.body.include_reasoning else None
    pieces = [*plan.thought, *plan.text]
    return {
        "index": index,
        "message": message,
        "logprobs": {"content": [entry(run, piece, at) for at, piece in enumerate(pieces)]}
        if run.body.logprobs
        else None,
        "finish_reason": finish_reason(run, plan),
        "stop_reason": plan.stopped_by,
        "token_ids": token_ids("".join(pieces)) if run.body.return_token_ids else None,
        "routed_experts": None,
    }


def _function(call: Call) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments}


def call_id(run: Run, choice: int, at: int) -> str:
    """The id of a tool call."""
    return f"chatcmpl-tool-{seed_of(run.id, choice, at):016x}"


def entry(run: Run, piece: str, at: int) -> dict[str, Any]:
    """One token's log probability and its rivals."""
    seed = seed_of(run.model, piece)
    most = logprob(seed, at)

    def one(text: str, value: float) -> dict[str, Any]:
        return {"token": text, "logprob": value, "bytes": list(text.encode())}

    rivals = [one(piece if not rank else f"{piece}{rank}", most - rank) for rank in range(run.body.top_logprobs or 0)]
    return {**one(piece, most), "top_logprobs": rivals}
