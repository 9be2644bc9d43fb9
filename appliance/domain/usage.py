"""How many tokens an answer took."""

import msgspec


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one answer. `estimated`: the server said nothing, the gateway counted by itself."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0  # part of `prompt`
    reasoning: int = 0  # part of `completion`
    estimated: bool = False

    @property
    def total(self) -> int:
        return self.prompt + self.completion

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            self.estimated or other.estimated,
        )
