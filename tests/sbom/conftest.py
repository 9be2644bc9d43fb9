"""A small bundle: our own wheel, one that it needs, and one with native code and a library inside. It is shared."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sbom import cyclonedx, licences, natives, view
from sbom.collect import Tables, collect
from sbom.model import Target
from tests.sbom.wheels import EPOCH, PRODUCT, SERVE, TOOLS, build, elf

TAG = "cp311-cp311-manylinux_2_28_x86_64"


@pytest.fixture(scope="session")
def known() -> natives.Known:
    """The shipped table, with one more wheel that somebody looked into."""
    told = natives.load()
    inside = natives.Library(
        name="libquick",
        version="2.1",
        purl="pkg:generic/libquick@2.1",
        licence="MIT",
        party=natives.Told("Quick makers", url="quick.example"),
        how="statically linked: its version string is in the wheel",
    )
    wheel = natives.Inspected("quick", "1.0", "C of the project", proof=("quick 2.1",), library=(inside,))
    return natives.Known(told.host, told.outside, (*told.wheel, wheel), told.party, told.vendored)


@pytest.fixture(scope="session")
def tables(known: natives.Known) -> Tables:
    return Tables(licences.reading(), licences.policy(), known)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Target, list[Path]]:
    folder = tmp_path_factory.mktemp("wheels")
    own = build(
        folder,
        "redoubt_gateway",
        "0.1.0",
        head=(
            "License-Expression: Apache-2.0",
            "Requires-Dist: plain>=1",
            "Requires-Dist: quick[fast]; python_version>'3'",
        ),
    )
    plain = build(folder, "plain", head=("License: MIT", "Project-URL: Source, https://github.com/maker/plain"))
    quick = build(
        folder,
        "quick",
        head=("License-Expression: BSD-3-Clause", "Requires-Dist: plain; extra == 'fast'"),
        files={"quick/_core.so": elf("libc.so.6", extra=b"quick 2.1\0")},
        tag=TAG,
    )
    return {SERVE: [own, plain, quick], TOOLS: [plain]}


@pytest.fixture(scope="session")
def sbom(wheels: Mapping[Target, list[Path]], tables: Tables) -> bytes:
    """Its document."""
    return cyclonedx.document(collect(wheels, PRODUCT, tables), EPOCH)


@pytest.fixture
def ours(sbom: bytes) -> view.View:
    """The document, as it is read."""
    return view.view(sbom)
