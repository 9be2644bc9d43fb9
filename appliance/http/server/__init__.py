"""The server around our ASGI apps: sockets, TLS, deadlines, refusals before any app is asked, and a stop that drains.

`run.serve` runs it; `guard.Guard` is the outermost ASGI layer of each app; `protocol.Connection` holds the deadlines.
"""
