import pytest

from appliance.domain.errors import ConfigError
from appliance.domain.model import Deployment
from appliance.domain.secret import Secret
from appliance.pipeline.catalogue import Catalogue
from appliance.pipeline.compile import Compiler
from appliance.ports.repositories import Snapshot, StoredPepper
from tests.fakes.clock import NOON
from tests.fakes.site import PEPPER, SALT, a_deployment, a_key, a_model, token

READABLE = "file:/etc/redoubt/credential"


def unseal(version: int, sealed: bytes) -> bytes:
    if sealed != b"sealed":
        raise ConfigError(f"pepper {version} does not open")
    return PEPPER


def secret_of(reference: str) -> Secret:
    if reference != READABLE:
        raise ConfigError(f"`{reference}` cannot be read")
    return Secret("upstream credential")


def compiled(*deployments: Deployment, sealed: bytes = b"sealed") -> Catalogue:
    snapshot = Snapshot(
        number=7,
        keys=(a_key(),),
        models=(a_model(*deployments),),
        peppers=(StoredPepper(version=1, sealed=sealed),),
        default_price=None,
    )
    return Compiler(unseal, secret_of, SALT, {"fake"})(snapshot)


def deployments(catalogue: Catalogue) -> dict[str, Deployment]:
    return {to.label: to for model in catalogue.models.values() for to in model.deployments}


def test_a_snapshot_becomes_a_catalogue_that_lets_its_keys_in() -> None:
    catalogue = compiled(a_deployment())

    assert catalogue.number == 7
    assert catalogue.ring.authenticate(token(), NOON).key == a_key()
    assert deployments(catalogue) == {"one": a_deployment()}


def test_a_credential_is_resolved_and_stays_unseen() -> None:
    one = deployments(compiled(a_deployment(credential=READABLE)))["one"]

    assert one.secret == Secret("upstream credential")
    assert one.enabled
    assert "upstream credential" not in repr(one)


def test_a_deployment_that_cannot_work_is_disabled_and_said_and_the_others_serve(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = deployments(
        compiled(
            a_deployment("lost", credential="env:GONE"), a_deployment("alien", provider="alien"), a_deployment("well")
        )
    )

    assert {label: to.enabled for label, to in found.items()} == {"lost": False, "alien": False, "well": True}
    assert "`llama/lost` is disabled: `env:GONE` cannot be read" in caplog.text
    assert "`llama/alien` is disabled: no provider `alien` is loaded" in caplog.text


def test_a_pepper_that_does_not_open_stops_everything() -> None:
    with pytest.raises(ConfigError, match="pepper 1"):
        compiled(a_deployment(), sealed=b"tampered with")
