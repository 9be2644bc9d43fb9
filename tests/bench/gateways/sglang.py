"""sglang-router: a router in Rust that balances by load and by prefix."""

from tests.bench.gateway import Described, Place
from tests.bench.gateways.python_package import version_of


def describe(place: Place) -> Described:
    python = str(place.installed("sglang/bin/python"))
    options = {
        "--host": "127.0.0.1",
        "--port": str(place.port),
        "--worker-urls": place.upstream,
        "--policy": "cache_aware",
        "--api-key": "sk-bench",
        "--log-level": "warn",
        "--prometheus-port": str(place.port + 500),
    }
    return Described(
        version=version_of(python, "sglang-router"),
        lacks="checks one key, keeps no ledger, has no limits by key",
        argv=(python, "-m", "sglang_router.launch_router", *(word for option in options.items() for word in option)),
        port=place.port,
    )
