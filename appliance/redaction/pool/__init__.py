"""The gateway's half: worker processes started, asked, watched, killed and replaced, and `ports.Analyser` over them."""

from appliance.redaction.pool.analyser import PooledAnalyser
from appliance.redaction.pool.settings import PoolSettings, environment, worker_command

__all__ = ["PoolSettings", "PooledAnalyser", "environment", "worker_command"]
