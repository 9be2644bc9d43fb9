"""Recognisers of our own: RE2 and check digits. They run in the worker; `ours.ours(analysis)` compiles them."""
