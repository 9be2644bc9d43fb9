"""Updates on a medium: a TUF repository whose targets are packed folders of the channels.

`medium` writes one on the connected side, `client` reads it on the isolated one. TUF covers the medium: how new it is,
whether it is whole, and which channel may carry what. Every folder on it is signed for itself as well, and is verified
by `offline.rules` like one that came alone. Decision: docs/decisions/0012.
"""
