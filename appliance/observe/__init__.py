"""What an operator sees of a running gateway: log lines and metrics. Never a body, never a secret."""
