"""LiteLLM's proxy, one worker, master key only: its database needs a download at set-up, so it runs without one."""

import os

from tests.bench.gateway import Described, Place
from tests.bench.gateways.python_package import version_of

_CONFIG = """\
model_list:
  - model_name: mock
    litellm_params:
      model: hosted_vllm/mock
      api_base: {upstream}/v1
      api_key: none
      input_cost_per_token: 0.000001
      output_cost_per_token: 0.000002
general_settings: {{master_key: sk-bench}}
litellm_settings: {{telemetry: false}}
"""


def describe(place: Place) -> Described:
    program = place.installed("litellm/bin/litellm")
    config = place.work / "config.yaml"
    config.write_text(_CONFIG.format(upstream=place.upstream))
    options = {"--config": str(config), "--host": "127.0.0.1", "--port": str(place.port), "--num_workers": "1"}
    return Described(
        version=version_of(str(place.installed("litellm/bin/python")), "litellm"),
        lacks="no database: one master key, no virtual keys, no limits by key, no spend rows",
        argv=(str(program), *(word for option in options.items() for word in option)),
        port=place.port,
        env={
            "LITELLM_TELEMETRY": "False",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "PATH": f"{program.parent}:{os.environ['PATH']}",
        },
    )
