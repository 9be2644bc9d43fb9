"""Every outgoing connection of the gateway: who may be dialled, the pool, the wire, and the fuse behind it."""
