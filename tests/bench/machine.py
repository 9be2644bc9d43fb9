"""What figures were measured on."""

import platform
from pathlib import Path


def machine() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(": ")[2] if models else platform.machine()
    return f"{len(models)} x {model}, Linux {platform.release()}, Python {platform.python_version()}"
