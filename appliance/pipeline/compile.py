"""From what the store holds to what the hot path reads: peppers opened, credentials resolved, broken parts left out."""

import logging
from collections.abc import Callable, Container

import msgspec

from appliance.domain.errors import ConfigError
from appliance.domain.model import Deployment, Model
from appliance.domain.secret import Secret
from appliance.identity.ring import KeyRing
from appliance.pipeline.catalogue import Catalogue
from appliance.ports.repositories import Snapshot

log = logging.getLogger(__name__)


class Compiler:
    """Makes catalogues. A deployment that cannot work is disabled and said; a pepper that cannot be opened stops it."""

    def __init__(
        self,
        unseal: Callable[[int, bytes], bytes],
        secret_of: Callable[[str], Secret],
        salt_secret: bytes,
        providers: Container[str],
    ) -> None:
        """`unseal(version, sealed)` opens a pepper, `secret_of(reference)` a credential; both raise ConfigError."""
        self._unseal = unseal
        self._secret_of = secret_of
        self._salt_secret = salt_secret
        self._providers = providers

    def __call__(self, snapshot: Snapshot) -> Catalogue:
        """Raises ConfigError when a pepper does not open: then no key could be checked."""
        peppers = {pepper.version: self._unseal(pepper.version, pepper.sealed) for pepper in snapshot.peppers}
        return Catalogue(
            number=snapshot.number,
            ring=KeyRing(snapshot.keys, peppers, self._salt_secret),
            models={model.name: self._model(model) for model in snapshot.models},
            default_price=snapshot.default_price,
        )

    def _model(self, model: Model) -> Model:
        return msgspec.structs.replace(model, deployments=tuple(self._deployment(to) for to in model.deployments))

    def _deployment(self, to: Deployment) -> Deployment:
        if to.provider not in self._providers:
            log.warning("deployment `%s` is disabled: no provider `%s` is loaded", to.id, to.provider)
            return msgspec.structs.replace(to, enabled=False)
        if to.credential is None:
            return to
        try:
            return msgspec.structs.replace(to, secret=self._secret_of(to.credential))
        except ConfigError as error:
            log.warning("deployment `%s` is disabled: %s", to.id, error.message)
            return msgspec.structs.replace(to, enabled=False)
