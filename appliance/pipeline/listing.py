"""Which models a key may use."""

from appliance.domain.errors import ModelUnknown
from appliance.domain.identity import Principal
from appliance.domain.ids import ModelName
from appliance.pipeline.catalogue import CatalogueKeeper


class Listing:
    """Answers `GET /v1/models`. A name the key may not use and a name that does not exist look the same."""

    def __init__(self, catalogue: CatalogueKeeper) -> None:
        self._catalogue = catalogue

    def names(self, who: Principal) -> list[ModelName]:
        """In the order of the alphabet."""
        return sorted(name for name in self._catalogue.current().models if who.key.allows(name))

    def name(self, who: Principal, asked: str) -> ModelName:
        """Raises ModelUnknown."""
        name = ModelName(asked)
        if name in self._catalogue.current().models and who.key.allows(name):
            return name
        raise ModelUnknown(f"no model `{asked}` for this key; `GET /v1/models` lists what it may use", param="model")
