"""Names for things, so that a key can never be passed where a model is meant."""

from typing import NewType

KeyId = NewType("KeyId", str)
"""`key_` and 16 hex digits: public, may stand in logs and the ledger. Never the key itself."""
ModelName = NewType("ModelName", str)
"""The public name a client asks for."""
DeploymentId = NewType("DeploymentId", str)
"""`model/label`: unique in a site."""
ProviderName = NewType("ProviderName", str)
RequestId = NewType("RequestId", str)
"""`req_` and 24 hex digits, made by us for every request; never taken from a client or an upstream."""
WorkspaceId = NewType("WorkspaceId", str)
TeamId = NewType("TeamId", str)

Seconds = NewType("Seconds", float)
Tokens = NewType("Tokens", int)
Micros = NewType("Micros", int)
"""1e-6 of the billing currency. Money is never a float."""
