"""From wheels to an inventory."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from sbom import licences
from sbom.collect import Tables, collect
from sbom.leftout import LeftOut
from sbom.model import Inventory, Native, Party, Refused, Target
from sbom.wheel import read
from tests.sbom.conftest import TAG
from tests.sbom.wheels import MIT, PRODUCT, SERVE, TOOLS, build, elf


@pytest.fixture
def inventory(wheels: Mapping[Target, list[Path]], tables: Tables) -> Inventory:
    return collect(wheels, PRODUCT, tables)


def names(inventory: Inventory, package: str) -> list[str]:
    (one,) = [each for each in inventory.components if each.wheel.name == package]
    return [ref.partition("@")[0].rpartition("/")[2] for ref in one.needs]


def test_each_wheel_file_is_one_component_with_the_places_it_goes_to(inventory: Inventory) -> None:
    assert [(one.wheel.name, one.targets) for one in inventory.components] == [
        ("plain", (SERVE, TOOLS)),
        ("quick", (SERVE,)),
        ("redoubt-gateway", (SERVE,)),
    ]


def test_needs_hold_wheels_libraries_inside_and_what_the_host_provides(inventory: Inventory) -> None:
    assert names(inventory, "quick") == ["glibc", "libquick", "plain"]


def test_an_extra_counts_only_where_somebody_asks_for_it(tmp_path: Path, tables: Tables) -> None:
    files = {"quick/_core.so": elf(extra=b"quick 2.1\0")}
    quick = build(
        tmp_path, "quick", head=("License-Expression: MIT", "Requires-Dist: plain; extra == 'fast'"), files=files
    )

    alone = collect({SERVE: [quick, build(tmp_path, "plain")]}, PRODUCT, tables)

    assert names(alone, "quick") == ["libquick"]


def test_the_products_own_wheel_is_asked_with_the_extra_of_its_environment(tmp_path: Path, tables: Tables) -> None:
    head = ("License-Expression: MIT", "Requires-Dist: plain; extra == 'tools'")
    files = {"redoubt_gateway-1.0.dist-info/METADATA": b"Metadata-Version: 2.4\nName: redoubt-gateway\nVersion: 1.0\n"}
    named = b"License-Expression: MIT\nRequires-Dist: plain; extra == 'tools'\n"
    own = build(tmp_path, "redoubt_gateway", head=head, files={path: text + named for path, text in files.items()})
    wheels = {SERVE: [own], TOOLS: [own, build(tmp_path, "plain")]}

    found = collect(wheels, PRODUCT, tables)

    assert names(found, "redoubt-gateway") == ["plain"]
    assert found.components[1].party == PRODUCT.party  # its metadata names nobody


def test_a_wheel_of_others_that_names_nobody_is_refused(tmp_path: Path, tables: Tables) -> None:
    text = b"Metadata-Version: 2.4\nName: plain\nVersion: 1.0\nLicense-Expression: MIT\n"
    path = build(tmp_path, "plain", files={"plain-1.0.dist-info/METADATA": text})

    with pytest.raises(Refused, match="neither an address nor a link of its maker"):
        collect({SERVE: [path]}, PRODUCT, tables)


@pytest.fixture
def asking(tmp_path: Path) -> Path:
    """A wheel that needs one nobody ships."""
    return build(tmp_path, "plain", head=("License-Expression: MIT", "Requires-Dist: absent>=2"))


def left(tables: Tables, asked_by: str, environment: str = "serve") -> Tables:
    told = LeftOut(name="absent", environments=(environment,), asked_by=(asked_by,), reason="nobody misses it")
    return Tables(tables.reading, tables.policy, tables.known, (told,))


def test_a_need_no_wheel_meets_is_told_with_its_reason(asking: Path, tables: Tables) -> None:
    (one,) = collect({SERVE: [asking]}, PRODUCT, left(tables, "plain")).components

    assert [str(absent) for absent in one.without] == ["absent (serve-cp311-x86_64): nobody misses it"]


@pytest.mark.parametrize(
    ("asked_by", "environment"), [("another", "serve"), ("plain", "tools")], ids=["another asks", "elsewhere"]
)
def test_a_need_no_wheel_meets_and_nobody_tells_is_refused(
    asked_by: str, environment: str, asking: Path, tables: Tables
) -> None:
    with pytest.raises(Refused, match="`plain` needs `absent`, and no wheel of `serve` is that; lock anew, or tell"):
        collect({SERVE: [asking]}, PRODUCT, left(tables, asked_by, environment))


def test_a_wheel_that_is_too_old_for_who_needs_it_meets_nothing(asking: Path, tmp_path: Path, tables: Tables) -> None:
    with pytest.raises(Refused, match="`plain` needs `absent`"):
        collect({SERVE: [asking, build(tmp_path, "absent", "1.9")]}, PRODUCT, tables)


def native(tmp_path: Path, tables: Tables, machine: str, text: str, tag: str) -> Inventory:
    """A wheel whose one library is told with these words."""
    (entry,) = [one for one in tables.known.wheel if one.name == "quick"]
    library = msgspec.structs.replace(entry.library[0], machine=machine, text=text)
    known = msgspec.structs.replace(tables.known, wheel=(msgspec.structs.replace(entry, library=(library,)),))
    path = build(tmp_path, "quick", files={"quick/_core.so": elf(extra=b"quick 2.1\0")}, tag=tag)
    return collect({SERVE: [path]}, PRODUCT, Tables(tables.reading, tables.policy, known))


@pytest.mark.parametrize(("tag", "found"), [(TAG, 1), (TAG.replace("x86_64", "aarch64"), 0)])
def test_a_library_of_one_machine_is_told_of_its_wheels_alone(
    tag: str, found: int, tmp_path: Path, tables: Tables
) -> None:
    assert len(native(tmp_path, tables, "x86_64", "", tag).natives) == found


def test_a_licence_text_that_the_wheel_is_said_to_hold_must_be_there(tmp_path: Path, tables: Tables) -> None:
    assert native(tmp_path, tables, "", "LICENSE", TAG).natives[0].text == "LICENSE"
    with pytest.raises(Refused, match="lacks `COPYING`, where"):
        native(tmp_path, tables, "", "COPYING", TAG)


def test_what_is_said_to_be_left_out_must_not_be_there(asking: Path, tmp_path: Path, tables: Tables) -> None:
    with pytest.raises(Refused, match="leaves `absent` out, and it is in serve-cp311-x86_64; lock anew"):
        collect({SERVE: [asking, build(tmp_path, "absent", "2.0")]}, PRODUCT, left(tables, "plain"))


def test_a_library_in_wheels_for_two_pythons_is_one_entry_in_two_places(tmp_path: Path, tables: Tables) -> None:
    files = {"quick/_core.so": elf(extra=b"quick 2.1\0")}
    first, second = (
        build(tmp_path, "quick", files=files, tag=f"cp{python}-cp{python}-manylinux_2_28_x86_64")
        for python in (311, 312)
    )

    found = collect({SERVE: [first], Target("serve", "3.12", "x86_64"): [second]}, PRODUCT, tables)

    assert [(one.ref, len(one.within)) for one in found.natives] == [("pkg:generic/libquick@2.1", 2)]


def test_a_document_inside_a_wheel_names_its_libraries_but_not_the_wheels_own(tmp_path: Path, tables: Tables) -> None:
    told = b"""{"bomFormat": "CycloneDX", "components": [
      {"bom-ref": "own", "name": "dark-rust", "version": "1", "purl": "pkg:cargo/dark-rust@1?download_url=file://."},
      {"bom-ref": "built", "name": "macro", "version": "1", "purl": "pkg:cargo/macro@1", "scope": "excluded"},
      {"bom-ref": "a", "name": "a", "version": "2", "purl": "pkg:cargo/a@2", "author": "A B <a@b.example>, C",
       "licenses": [{"expression": "MIT OR Apache-2.0"}], "hashes": [{"alg": "SHA-256", "content": "00"}]},
      {"bom-ref": "b", "name": "b", "version": "3", "licenses": [{"license": {"id": "ISC"}}]}],
      "dependencies": [{"ref": "own", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": ["b", "built"]}]}"""
    files = {"dark/_x.so": elf(), "dark-1.0.dist-info/sboms/rust.json": told}

    found = collect({SERVE: [build(tmp_path, "dark", files=files, tag=TAG)]}, PRODUCT, tables)

    assert [(one.ref, one.needs, one.party) for one in found.natives] == [
        ("pkg:cargo/a@2", ("pkg:generic/b@3",), Party("A B", email="a@b.example")),
        ("pkg:generic/b@3", (), Party("b project")),
    ]


@pytest.mark.parametrize(
    ("head", "expression"),
    [
        (("License-Expression: mit or apache-2.0",), "MIT OR Apache-2.0"),
        (("License: Apache 2.0",), "Apache-2.0"),
        (("License: MIT License\n        \n        Copyright",), "MIT"),
        (("Classifier: License :: OSI Approved :: ISC License (ISCL)",), "ISC"),
        (("License-Expression: MIT", "Classifier: License :: OSI Approved :: Apache Software License"), "MIT"),
    ],
)
def test_a_licence_is_read_from_what_says_it_most_plainly(
    head: tuple[str, ...], expression: str, tmp_path: Path
) -> None:
    assert licences.read(read(build(tmp_path, "plain", head=head)), licences.reading()).expression == expression


def test_two_licence_classifiers_need_a_person(tmp_path: Path) -> None:
    head = tuple(f"Classifier: License :: OSI Approved :: {one}" for one in ("MIT License", "Apache Software License"))

    with pytest.raises(Refused, match="unknown"):
        licences.read(read(build(tmp_path, "plain", head=head)), licences.reading())


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-2.0-only) AND BSD-3-Clause", True),
        ("GPL-2.0-only OR GPL-3.0-only", False),
        ("MPL-2.0", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", False),
    ],
)
def test_the_policy_asks_for_one_allowed_way_to_read_an_expression(expression: str, *, allowed: bool) -> None:
    assert licences.policy().allows(expression, "anything") is allowed


def test_an_exception_holds_for_its_component_only() -> None:
    assert licences.policy().allows("MPL-2.0", "certifi")
    assert not licences.policy().allows("MPL-2.0", "certifi-too")


def test_an_exception_without_a_reason_is_refused(tmp_path: Path) -> None:
    text = "allowed = ['MIT']\n[[exception]]\ncomponent = 'a'\nlicence = 'MPL-2.0'\nreason = ' '\n"
    (tmp_path / "policy.toml").write_text(text)

    with pytest.raises(Refused, match="no reason"):
        licences.policy(tmp_path / "policy.toml")


def test_the_text_of_a_wheel_is_shipped_under_a_plain_name(tmp_path: Path) -> None:
    info = "plain-1.0.dist-info"
    files = {f"{info}/licenses/LICENSE": b"-", f"{info}/licenses/.a b/-LICENSE": MIT.encode()}
    wheel = read(build(tmp_path, "plain", files=files))

    texts = licences.texts_of(wheel, licences.read(wheel, licences.reading()), licences.reading())

    assert texts == {"a_b/LICENSE": MIT.encode()}


def test_a_wheel_without_a_text_gets_the_standard_one_with_its_author(tmp_path: Path) -> None:
    wheel = read(build(tmp_path, "plain", files={"plain-1.0.dist-info/licenses/LICENSE": b"-"}))

    texts = licences.texts_of(wheel, licences.read(wheel, licences.reading()), licences.reading())

    assert texts["MIT.txt"].startswith(b"Copyright (c) the authors of plain\n\nPermission is hereby granted")


def test_of_a_choice_only_allowed_texts_are_shipped_for_a_library() -> None:
    native = Native(
        name="n", version="1", purl="pkg:cargo/n@1", licence="Apache-2.0 OR GPL-2.0-only",
        party=Party("N"), how="told", within=("w!",),
    )  # fmt: skip

    assert list(licences.texts_of_native(native, licences.policy())) == ["Apache-2.0.txt"]
