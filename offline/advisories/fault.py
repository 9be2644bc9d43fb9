"""What can be wrong with advisory data."""


class BadAdvisories(Exception):
    """Data that cannot be read, or that contradicts itself; says which file or record. Nothing of it is used."""
