"""What the installer cannot do, beside what the rules refuse."""


class Failed(Exception):
    """What happened, to which thing, and what to do now."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
