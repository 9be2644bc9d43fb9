"""Recognisers of our own: RE2 and check digits. They run in the worker; `ours.ours(analysis)` compiles them.

`entities.SUPPORTED` says what can be found, and imports no library: config and docs may read it.
"""
