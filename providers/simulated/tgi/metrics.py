"""`GET /metrics` of TGI. There is no time to first token and no use of the KV cache in it."""

from collections import Counter

from providers.simulated.histogram import Histogram

CONTENT_TYPE = "text/plain; charset=utf-8"
SECONDS = tuple(round(0.0001 * 2**power, 6) for power in range(20))
COUNTS = tuple(float(2**power) for power in range(16))


class Tally:
    """What is counted."""

    def __init__(self) -> None:
        self.requests = 0
        self.succeeded = 0
        self.failed: Counter[str] = Counter()
        self.histograms = {
            "tgi_request_duration": Histogram(SECONDS),
            "tgi_request_queue_duration": Histogram(SECONDS),
            "tgi_request_inference_duration": Histogram(SECONDS),
            "tgi_request_validation_duration": Histogram(SECONDS),
            "tgi_request_mean_time_per_token_duration": Histogram(SECONDS),
            "tgi_request_generated_tokens": Histogram(COUNTS),
            "tgi_request_input_length": Histogram(COUNTS),
        }

    def observe(self, *, prompt_tokens: int, tokens: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.succeeded += 1
        values = {
            "tgi_request_duration": seconds,
            "tgi_request_queue_duration": 0.0,
            "tgi_request_inference_duration": seconds,
            "tgi_request_validation_duration": 0.0,
            "tgi_request_mean_time_per_token_duration": seconds / max(1, tokens),
            "tgi_request_generated_tokens": float(tokens),
            "tgi_request_input_length": float(prompt_tokens),
        }
        for name, value in values.items():
            self.histograms[name].observe(value)


def text(tally: Tally, *, running: int, queued: int) -> str:
    """All families."""
    lines = [
        "# TYPE tgi_request_count counter",
        f"tgi_request_count {tally.requests}",
        "# TYPE tgi_request_success counter",
        f'tgi_request_success{{method="generate"}} {tally.succeeded}',
        "# TYPE tgi_request_failure counter",
        *(f'tgi_request_failure{{err="{reason}"}} {number}' for reason, number in sorted(tally.failed.items())),
    ]
    gauges = {
        "tgi_queue_size": queued,
        "tgi_batch_current_size": running,
        "tgi_batch_current_max_tokens": running * 512,
    }
    for name, value in gauges.items():
        lines += [f"# TYPE {name} gauge", f"{name} {value}"]
    for name, histogram in tally.histograms.items():
        lines += [f"# TYPE {name} histogram", *histogram.lines(name, "")]
    return "\n".join(lines) + "\n"
