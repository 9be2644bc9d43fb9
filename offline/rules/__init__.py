"""The rules a bundle is held to, on both sides of the gap.

Standard library only: this room travels inside the installer too, and runs there under `python -I -S`.
The formats are those of docs/decisions/0009. Everything raises `Refused`, with a fault that programs can read.
"""
