"""What the connected side cannot do."""


class Failure(Exception):
    """What happened, to which thing, and what to do now. Nothing half-made is left where a whole thing belongs."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
