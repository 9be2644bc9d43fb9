"""The worker process: Presidio, spaCy and our recognisers over texts it is handed, places in return.

Started by module name (`python -I -B -m appliance.redaction.worker [MODEL SHA256]...`), imported by nobody in the
gateway.
"""
