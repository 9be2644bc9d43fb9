import pytest

from appliance.domain.errors import ModelUnknown
from appliance.domain.ids import ModelName
from appliance.pipeline.listing import Listing
from tests.fakes.gateway import a_gateway
from tests.fakes.site import a_deployment, a_model, a_principal


async def listing() -> Listing:
    gateway = await a_gateway()
    for name in ("zeta", "alpha", "payroll-assistant"):
        gateway.serves(a_model(a_deployment(model=ModelName(name))))
    await gateway.keeper.refresh()
    return Listing(gateway.keeper)


async def test_a_key_sees_what_it_may_use_and_nothing_else() -> None:
    site = await listing()

    assert site.names(a_principal(models=("zeta", "alpha", "gone"))) == ["alpha", "zeta"]
    assert site.names(a_principal(models=())) == []
    assert site.names(a_principal()) == ["alpha", "llama", "payroll-assistant", "zeta"]


async def test_a_foreign_model_and_one_that_does_not_exist_look_the_same() -> None:
    site = await listing()
    who = a_principal(models=("zeta",))
    told = []

    for name in ("payroll-assistant", "no-such-model"):
        with pytest.raises(ModelUnknown) as refused:
            site.name(who, name)
        told.append(refused.value.message.replace(name, "M"))

    assert told[0] == told[1]
    assert site.name(who, "zeta") == "zeta"
