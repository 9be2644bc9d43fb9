"""SPDX 2.3 JSON, made with the model of spdx-tools and validated by it.

3.0.1 is not written: see decision 0010.
"""

import json
from datetime import UTC, datetime
from typing import Any

from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model.actor import Actor, ActorType
from spdx_tools.spdx.model.checksum import Checksum, ChecksumAlgorithm
from spdx_tools.spdx.model.document import CreationInfo, Document
from spdx_tools.spdx.model.extracted_licensing_info import ExtractedLicensingInfo
from spdx_tools.spdx.model.package import ExternalPackageRef, ExternalPackageRefCategory, Package, PackagePurpose
from spdx_tools.spdx.model.relationship import Relationship, RelationshipType
from spdx_tools.spdx.model.spdx_no_assertion import SpdxNoAssertion
from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from sbom import licences
from sbom.cyclonedx import canonical, graph, identity, primary_ref
from sbom.model import Component, Inventory, Native, Outside, Party, Refused

_COPYRIGHT = SpdxNoAssertion()


def document(inventory: Inventory, epoch: int) -> bytes:
    """The same inventory as an SPDX document. Raises Refused when spdx-tools finds it invalid."""
    ids = {ref: f"SPDXRef-{number:04d}" for number, ref in enumerate(sorted(graph(inventory)), 1)}
    packages = [_product(inventory, ids)]
    packages += [_wheel(one, ids) for one in inventory.components]
    packages += [_native(one, ids) for one in inventory.natives]
    packages += [_outside(one, ids) for one in inventory.outside]
    relations = [
        Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, ids[primary_ref(inventory.product)]),
        *_relations(inventory, ids),
    ]
    made = Document(
        _creation(inventory, epoch, ids),
        sorted(packages, key=lambda one: one.spdx_id),
        relationships=relations,
        extracted_licensing_info=_unlisted(inventory),
    )
    if found := validate_full_spdx_document(made):
        raise Refused(f"the SPDX document is not valid: {found[0].validation_message} ({len(found)} in all)")
    converter = DocumentConverter()  # type: ignore[no-untyped-call]  # spdx-tools leaves its constructor untyped
    return canonical(_plain(converter.convert(made)))


def problems(raw: dict[str, Any]) -> list[str]:
    """What spdx-tools has against a document that was read."""
    parser = JsonLikeDictParser()  # type: ignore[no-untyped-call]  # spdx-tools leaves its constructor untyped
    try:
        return [one.validation_message for one in validate_full_spdx_document(parser.parse(raw))]
    except SPDXParsingError as error:
        return [str(error)]


def _plain(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(value))
    return found


def _unlisted(inventory: Inventory) -> list[ExtractedLicensingInfo]:
    """Licences that are not on SPDX's list, by AboutCode's names for them: what the document must tell itself."""
    used = {key for expression in set(inventory.licence_of().values()) for key in licences.keys(expression)}
    return [
        ExtractedLicensingInfo(one, extracted_text=f"see the texts below licences/ ({one})", license_name=one)
        for one in sorted(used)
        if one.startswith("LicenseRef-")
    ]


def _creation(inventory: Inventory, epoch: int, ids: dict[str, str]) -> CreationInfo:
    product = inventory.product
    digest = identity("\n".join(f"{ref} {one}" for ref, one in sorted(ids.items())).encode() + str(epoch).encode())
    return CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id="SPDXRef-DOCUMENT",
        name=f"{product.name}-{product.version}-{product.machine}",
        document_namespace=f"https://{product.name}.invalid/spdx/{product.version}/{product.machine}/{digest}",
        creators=[
            _actor(product.party),
            *(_person(one) for one in product.authors),
            Actor(ActorType.TOOL, f"redoubt-sbom-{product.tool_version}"),
        ],
        created=datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None),
        data_license="CC0-1.0",
    )


def _actor(party: Party) -> Actor:
    return Actor(ActorType.ORGANIZATION, party.name, party.email or None)


def _person(party: Party) -> Actor:
    return Actor(ActorType.PERSON, party.name, party.email or None)


def _licence(expression: str) -> Any:
    return licences.parsed(expression)


def _purl(purl: str) -> ExternalPackageRef:
    return ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", purl)


def _product(inventory: Inventory, ids: dict[str, str]) -> Package:
    product = inventory.product
    ref = primary_ref(product)
    return Package(
        spdx_id=ids[ref],
        name=product.name,
        version=product.version,
        download_location=SpdxNoAssertion(),
        supplier=_actor(product.party),
        originator=_actor(product.party),
        files_analyzed=False,
        license_concluded=_licence(product.licence),
        license_declared=_licence(product.licence),
        copyright_text=_COPYRIGHT,
        external_references=[_purl(ref)],
        primary_package_purpose=PackagePurpose.APPLICATION,
    )


def _wheel(one: Component, ids: dict[str, str]) -> Package:
    wheel = one.wheel
    return Package(
        spdx_id=ids[one.ref],
        name=wheel.name,
        version=wheel.version,
        file_name=wheel.file,
        download_location=SpdxNoAssertion(),
        supplier=_actor(one.party),
        originator=_actor(one.party),
        files_analyzed=False,
        checksums=[
            Checksum(ChecksumAlgorithm.SHA256, wheel.sha256),
            Checksum(ChecksumAlgorithm.SHA512, wheel.sha512),
        ],
        homepage=one.homepage if one.homepage.startswith(("http://", "https://")) else None,
        source_info=one.vcs or None,
        license_concluded=_licence(one.licence.expression),
        license_declared=_licence(one.licence.declared),
        copyright_text=_COPYRIGHT,
        comment="; ".join(f"left out on purpose: {absent}" for absent in one.without) or None,
        external_references=[_purl(one.ref)],
        primary_package_purpose=PackagePurpose.LIBRARY,
    )


def _native(one: Native, ids: dict[str, str]) -> Package:
    pairs = ((ChecksumAlgorithm.SHA256, one.sha256), (ChecksumAlgorithm.SHA512, one.sha512))
    return Package(
        spdx_id=ids[one.ref],
        name=one.name,
        version=one.version,
        file_name=one.file or None,
        download_location=SpdxNoAssertion(),
        supplier=_actor(one.party),
        originator=_actor(one.party),
        files_analyzed=False,
        checksums=[Checksum(algorithm, content) for algorithm, content in pairs if content],
        source_info=one.vcs or None,
        license_concluded=_licence(one.licence),
        license_declared=_licence(one.licence),
        copyright_text=one.copyright or _COPYRIGHT,
        comment=f"{one.how}; within {', '.join(one.within)}",
        external_references=[_purl(one.purl)],
        primary_package_purpose=PackagePurpose.LIBRARY,
    )


def _outside(one: Outside, ids: dict[str, str]) -> Package:
    return Package(
        spdx_id=ids[one.ref],
        name=one.name,
        version=one.version,
        download_location=SpdxNoAssertion(),
        supplier=_actor(one.party),
        files_analyzed=False,
        license_concluded=_licence(one.licence),
        license_declared=_licence(one.licence),
        copyright_text=_COPYRIGHT,
        comment=f"not delivered: {one.why}",
        external_references=[_purl(one.purl)],
        primary_package_purpose=PackagePurpose.LIBRARY,
    )


def _relations(inventory: Inventory, ids: dict[str, str]) -> list[Relationship]:
    """What a wheel holds inside is contained; what it asks for is depended on."""
    held = {one.ref for one in inventory.natives}
    product = primary_ref(inventory.product)
    return [
        Relationship(
            ids[ref],
            RelationshipType.CONTAINS
            if one in held or (ref == product and one.startswith("pkg:pypi/"))
            else RelationshipType.DEPENDS_ON,
            ids[one],
        )
        for ref, needs in sorted(graph(inventory).items())
        for one in needs
    ]
