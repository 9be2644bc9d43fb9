"""Code, logs and how-to prose without anything personal, made by seed: what a recogniser must leave alone.

In the templates `<word>` is a word, `<n7>` a number of up to seven digits, `<h32>` so many hexadecimal digits.
"""

import random
import re
import string
import uuid
from collections.abc import Callable

Rng = random.Random
TOOLS = [
    "S3",
    "EKS",
    "Helm",
    "Jenkins",
    "Terraform",
    "Kafka",
    "Redis",
    "Nginx",
    "Docker",
    "Grafana",
    "Ansible",
    "Vault",
    "Istio",
    "Flux",
    "Loki",
]
VERBS = ["restart", "upgrade", "scale", "configure", "monitor", "deploy", "drain", "patch", "debug"]
NOUNS = [
    "cluster",
    "bucket",
    "pipeline",
    "chart",
    "broker",
    "replica",
    "ingress",
    "volume",
    "runner",
    "namespace",
    "dashboard",
]
WORDS = [
    "retry",
    "batch",
    "offset",
    "window",
    "buffer",
    "payload",
    "header",
    "cursor",
    "shard",
    "epoch",
    "stream",
    "worker",
    "queue",
    "cache",
]
LEVELS = ["INFO", "WARN", "ERROR", "DEBUG"]
LOGS = r"""
<stamp> <level> [<word>-<n2>] request_id=<uuid> path=/v1/<word> status=503 ms=<n5>
<stamp> <level> <word>: committed offset <n10> in <float>s pid=<n7>
[<n5>.<d6>] <word><n1>: link up, 10000 Mbps, irq <n3> mem 0x<h16>
{"ts":17<d8>.<d3>,"level":"info","<word>_id":"<h32>","<word>":<n12>,"took_ns":<n10>}
level=info msg="<word> <word> done" trace=<h32> span=<h16> bytes=<n9> goroutine=<n5>
127.0.0.1 - - [<day>/Nov/2026:12:12:<day> +0000] "GET /v1/<word>/<n7> HTTP/1.1" 200 <n6>
File "/srv/<word>/<word>.py", line <n4>, in <word>_<word>
E<d4> <word>.go:<n3>] failed to sync <word> "default/<word>-<h10>-<h5>": exit code <n3>
sha256:<h64> <n3>.<n2>MB <word>:<version>
""".strip().split("\n")
CODE = r"""
    <word> = self.<word>.get(<n10>, 0.<d8>)
    if <word>.<word> >= 0x<h8> and not <word>.is_empty():
const <word>: Record<string, number> = await this.<word>.info({ id: <n9> });
SELECT <word>_id, count(*) FROM <word>s WHERE <word>_id IN (<n9>, <n9>) LIMIT <n4>;
  image: registry/<word>@sha256:<h64>  # <version>
    {0x<h2>, 0x<h2>, <n3>, <n10>U},
"<word>": {"version": "<version>", "resolved": "pkg/<word>.tgz", "integrity": "sha512-<base64>=="},
def <word>_<word>(token: str, password: str | None = None, *, key: bytes = KEY) -> None:
TOKEN = os.environ["<word>_TOKEN"]; secret = get_secret("<word>")
assert <word>(<n5>) == <n15>
import <word>.<word> as np; from <word>.net import <word>
git cherry-pick <h40> && git tag <version>
  - { name: <word>, port: <n5>, nodePort: <n5>, cpu: <n1>00m }
std::<word><<word>_t> <word>::<word>(const std::size_t n = <n6>ULL);
x = [<float>, -<float>, <float>, <float>]; y = (<n3>, <n3>, <n3>)
curl -H "Authorization: Bearer $TOKEN" http://localhost:<n4>/v1/<word>
password: ${{ secrets.<word>_PASSWORD }}
uuid = "<uuid>"; mac = "<h32>"
""".strip("\n").split("\n")
PROSE = r"""
Step <n2>: <verb> the <noun> with <tool> <version>, then wait <n2> seconds.
To <verb> an <tool> <noun>, set `<word>.<word>` to <n5> and open port <n5>.
<tool> keeps <n1> copies for <n2> days; the API of <tool> allows <n4> calls per minute.
A <noun> older than <n2> days is removed by <tool>, see chapter <n2>.<n1>.<n1> and RFC <d4>.
How do I <verb> <n2> nodes of <tool> without losing the <noun>? I get error <d5> at line <n3>.
The <noun> may hold <n2>,<d3>,<d3> rows at $<n2>.<d2> a month; <tool> costs <n2> % less.
I think you may march through the list, sec by sec, in <tool> and <tool>; it may take <n2> to <n2> minutes.
Put <tool> on a <n2>-core machine with <n3> GB, ISO <n5>-<n1>, and run test <d3>-<d2>.
""".strip().split("\n")
KINDS = {"code": CODE, "logs": LOGS, "prose": PROSE}
FIGURES = re.compile(r"<([ndh])(\d+)>")
PLACE = re.compile(r"<(\w+)>")


def characters(rng: Rng, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def figures(rng: Rng, kind: str, length: int) -> str:
    if kind == "h":
        return characters(rng, "0123456789abcdef", length)
    return (
        characters(rng, string.digits, length) if kind == "d" else str(rng.randint(1, 10 ** rng.randint(1, length) - 1))
    )


def stamp(rng: Rng) -> str:
    clock = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    day = f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return rng.choice([f"{day}T{clock}.123Z", f"{day} {clock},456", f"{day}T{clock}+00:00", clock])


MAKERS: dict[str, Callable[[Rng], str]] = {
    "word": lambda rng: rng.choice(WORDS),
    "tool": lambda rng: rng.choice(TOOLS),
    "noun": lambda rng: rng.choice(NOUNS),
    "verb": lambda rng: rng.choice(VERBS),
    "level": lambda rng: rng.choice(LEVELS),
    "day": lambda rng: f"{rng.randint(1, 28):02}",
    "float": lambda rng: f"{rng.uniform(0, 9):.6f}",
    "stamp": stamp,
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128))),
    "base64": lambda rng: characters(rng, string.ascii_letters + string.digits + "+/", 86),
    "version": lambda rng: rng.choice(["v1.{}.{}", "{}.{}.0", "2.{}.{}-rc1"]).format(
        rng.randint(0, 30), rng.randint(0, 9)
    ),
}


def line(rng: Rng, template: str) -> str:
    filled = FIGURES.sub(lambda found: figures(rng, found[1], int(found[2])), template)
    return PLACE.sub(lambda found: MAKERS[found[1]](rng) if found[1] in MAKERS else found[0], filled)


def corpus(kind: str, size: int, seed: int) -> str:
    """At least `size` characters of one kind."""
    rng = Rng(seed)
    lines: list[str] = []
    while sum(map(len, lines)) < size:
        lines += [line(rng, template) for template in KINDS[kind]]
    return "\n".join(lines)
