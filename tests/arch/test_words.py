"""Rules 4 and 5 of the house: providers are named in their own room, and no shipped file names a real host."""

import ast
import re
from pathlib import Path

from tests.arch.tree import parsed, product, text, tracked

NAMES = {"vllm", "ollama", "tgi", "openai_compatible", "llama_cpp"}
MAY_NAME = ("providers", "appliance/config", "appliance/docs", "tests", "offline", "sbom")
SHIPPED = (".py", ".sh", ".toml", ".yaml", ".yml", ".md", ".txt", ".html", ".css", ".js", ".sql")
NEVER_DIALLED = {  # schema and namespace identifiers, and reserved names for examples
    "json-schema.org",
    "www.w3.org",
    "example.com",
    "example.org",
    "example.net",
    "in-toto.io",
    "slsa.dev",
    "www.apache.org",  # the licence's own text, as the three below
    "mozilla.org",
    "unlicense.org",
    "www.unicode.org",
}
NEAR = re.compile(
    r"^(127\.\d+\.\d+\.\d+|localhost|\[.*|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|[\w.-]+\.(example|internal|local|test|invalid)$|[^a-z])"
)


def test_no_provider_is_named_outside_its_room() -> None:
    named = [
        f"{path}:{node.lineno} {node.value}"
        for path in product()
        if not str(path).startswith(MAY_NAME)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lower() in NAMES
    ]
    assert named == []


def hosts(path: Path) -> set[str]:
    return {
        found[1].lower() for found in re.finditer(r"https?://(?:[^/@\s\"'`<>]*@)?([^\s/:\"'`<>)\\,;?#]+)", text(path))
    }


def test_no_shipped_file_names_a_real_host() -> None:
    real = {
        f"{path}: {host}"
        for path in tracked()
        if path.suffix in SHIPPED and path.parts[0] != "tests"
        for host in hosts(path)
        if "." in host and host not in NEVER_DIALLED and not NEAR.match(host)
    }
    assert real == set()


def test_no_file_holds_a_path_of_a_developers_machine() -> None:
    homes = re.compile(r"/(?:home|root|Users|work|farm)/[\w.-]+")
    found = [
        f"{path}: {hit[0]}"
        for path in tracked()
        if path.suffix in {*SHIPPED, ".json"} and path != Path("tests/arch/test_words.py")
        for hit in homes.finditer(text(path))
        if not hit[0].startswith(("/home/user", "/home/redoubt"))
    ]
    assert found == []


def test_no_committed_file_is_over_20_megabytes() -> None:
    root = Path(__file__).parents[2]
    assert [str(path) for path in tracked() if (root / path).stat().st_size > 20 * 1024 * 1024] == []
