"""Every gateway the benchmark knows, by name."""

from tests.bench.gateway import Describe
from tests.bench.gateways import direct, litellm, nginx, ours, portkey, sglang

KNOWN: dict[str, Describe] = {
    "direct": direct.describe,
    "nginx": nginx.describe,
    "sglang": sglang.describe,
    "litellm": litellm.describe,
    "portkey": portkey.describe,
    "ours": ours.describe,
}
