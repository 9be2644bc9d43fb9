"""CycloneDX 1.6 JSON, with every field that BSI TR-03183-2 v2.1.0 requires.

Written as plain data: the library we validate with models neither `compositions` nor `modelCard`. Equal inventories
give equal bytes: keys sorted, lists sorted, the serial number a digest of the content, the time the given epoch.
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from sbom import schema
from sbom.model import Component, Inventory, Native, Outside, Party, Product, Refused

Json = dict[str, Any]
SPEC = "1.6"
KIND = "redoubt:bsi:kind"  # ours: `logical`, `identified`, `part`; see bsi.py for what each must carry


def document(inventory: Inventory, epoch: int) -> bytes:
    """The SBOM of a product. Raises Refused when it is not valid in strict mode."""
    product = inventory.product
    body: Json = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {**_metadata(product, epoch), "component": _primary(inventory)},
        "components": sorted(
            [
                *(_wheel(one) for one in inventory.components),
                *(_native(one) for one in inventory.natives),
                *(_outside(one) for one in inventory.outside),
            ],
            key=lambda one: str(one["bom-ref"]),
        ),
        "dependencies": _dependencies(inventory),
        "compositions": _compositions(inventory),
    }
    return render(body)


def render(body: Json) -> bytes:
    """Give a document its serial number and make it bytes. Raises Refused when the schema's strict mode objects."""
    content = canonical(body)
    done = canonical({**body, "serialNumber": f"urn:uuid:{identity(content)}"})
    if found := schema.problem(done.decode(), SPEC):
        raise Refused(f"the CycloneDX document is not valid: {found}"[:2000])
    return done


def identity(content: bytes) -> uuid.UUID:
    """A UUID of version 8 (RFC 9562 §5.8: bits of one's own choosing), out of the content's SHA-256."""
    number = int.from_bytes(hashlib.sha256(content).digest()[:16], "big")
    return uuid.UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | (0x8 << 76) | (0x2 << 62))


def canonical(body: Json) -> bytes:
    """Sorted keys, two spaces, a newline at the end (decision 0009)."""
    return (json.dumps(body, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def moment(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(product: Product, epoch: int) -> Json:
    """What every document of ours says of itself: when, by whom, with what, under what."""
    return _metadata(product, epoch)


def entity(party: Party) -> Json:
    """An organisation with an address, or a link where no address is known."""
    if party.email:
        return {"name": party.name, "contact": [{"name": party.name, "email": party.email}]}
    return {"name": party.name, "url": [party.url]} if party.url else {"name": party.name}


def licences(expression: str, declared: str) -> Json:
    """`licenses` holds the licence it is distributed under. CycloneDX 1.6 allows one expression there, so that what the
    author declared stands in `evidence`.
    """
    return {
        "licenses": [{"expression": expression, "acknowledgement": "concluded"}],
        "evidence": {"licenses": [{"expression": declared, "acknowledgement": "declared"}]},
    }


def properties(pairs: list[tuple[str, str]]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in sorted(pairs) if value]


def _metadata(product: Product, epoch: int) -> Json:
    people = product.authors or (product.party,)
    return {
        "timestamp": moment(epoch),
        "lifecycles": [{"phase": "build"}],
        "authors": [{"name": one.name, **({"email": one.email} if one.email else {})} for one in people],
        "manufacturer": entity(product.party),
        "supplier": entity(product.party),
        "licenses": [{"license": {"id": "CC0-1.0"}}],
        "tools": {
            "components": [
                {
                    "type": "application",
                    "name": "redoubt-sbom",
                    "version": product.tool_version,
                    "manufacturer": entity(product.party),
                }
            ]
        },
    }


def primary_ref(product: Product) -> str:
    return f"pkg:generic/{product.name}@{product.version}?arch={product.machine}"


def _primary(inventory: Inventory) -> Json:
    product = inventory.product
    own = [one for one in inventory.components if one.wheel.name == product.distribution]
    source = own[0].vcs if own else ""
    return {
        "type": "application",
        "bom-ref": primary_ref(product),
        "name": product.name,
        "version": product.version,
        "purl": primary_ref(product),
        "manufacturer": entity(product.party),
        "supplier": entity(product.party),
        **licences(product.licence, product.licence),
        **({"externalReferences": [{"type": "vcs", "url": source}]} if source else {}),
        "properties": properties([(KIND, "logical"), ("redoubt:machine", product.machine)]),
    }


def _wheel(one: Component) -> Json:
    wheel = one.wheel
    references = [
        {
            "type": "distribution",
            "url": f"wheels/{wheel.file}",
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256}, {"alg": "SHA-512", "content": wheel.sha512}],
        },
        *_source(one.vcs),
        *([{"type": "website", "url": one.homepage}] if one.homepage not in {"", one.vcs} else []),
    ]
    pairs = [
        ("bsi:component:filename", wheel.file),
        ("bsi:component:executable", "executable"),
        ("bsi:component:archive", "archive"),
        ("bsi:component:structured", "structured"),
        ("redoubt:record-sha256", wheel.record_sha256),
        ("redoubt:licence-source", one.licence.source),
        ("redoubt:native-files", str(len(wheel.natives))),
        *(("redoubt:target", str(target)) for target in one.targets),
        *(("redoubt:pth", path) for path in wheel.pth),
        *(("redoubt:entry-point", point) for point in wheel.entry_points),
        *(("redoubt:left-out", str(absent)) for absent in one.without),
    ]
    summary = next(iter(wheel.metadata.get("summary", ())), "")
    return {
        "type": "library",
        "bom-ref": one.ref,
        "name": wheel.name,
        "version": wheel.version,
        "purl": one.ref,
        **({"description": summary} if summary else {}),
        "manufacturer": entity(one.party),
        "supplier": entity(one.party),
        "hashes": [{"alg": "SHA-256", "content": wheel.sha256}, {"alg": "SHA-512", "content": wheel.sha512}],
        **licences(one.licence.expression, one.licence.declared),
        "externalReferences": references,
        "properties": properties(pairs),
    }


def _native(one: Native) -> Json:
    hashes = [
        {"alg": name, "content": content}
        for name, content in (("SHA-256", one.sha256), ("SHA-512", one.sha512))
        if content
    ]
    of_file = (
        [
            ("bsi:component:filename", one.file),
            ("bsi:component:executable", "executable"),
            ("bsi:component:archive", "archive" if one.archive else "no archive"),
            ("bsi:component:structured", "structured" if one.archive else "unstructured"),
        ]
        if one.file
        else [(KIND, "part")]
    )
    stated = licences(one.licence, one.licence)
    references = _source(one.vcs)
    if one.file:
        references.append({"type": "distribution", "url": one.within[0].partition("!")[2], "hashes": hashes})
    return {
        "type": "library",
        "bom-ref": one.ref,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "manufacturer": entity(one.party),
        "supplier": entity(one.party),
        **({"hashes": hashes} if hashes else {}),
        **({"copyright": one.copyright} if one.copyright else {}),
        "licenses": stated["licenses"],
        "evidence": {**stated["evidence"], "occurrences": [{"location": place} for place in one.within]},
        **({"externalReferences": references} if references else {}),
        "properties": properties([*of_file, ("redoubt:known-by", one.how)]),
    }


def _outside(one: Outside) -> Json:
    return {
        "type": "platform" if one.name == "python3" else "library",
        "bom-ref": one.ref,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "manufacturer": entity(one.party),
        "supplier": entity(one.party),
        **licences(one.licence, one.licence),
        "properties": properties([(KIND, "identified"), ("redoubt:outside-because", one.why)]),
    }


def _source(vcs: str) -> list[Json]:
    """Twice: readers of CycloneDX look for `vcs`, BSI's table says `source-distribution`."""
    return [{"type": kind, "url": vcs} for kind in ("source-distribution", "vcs")] if vcs else []


def needs_of_product(inventory: Inventory) -> tuple[str, ...]:
    """The wheels that no other wheel needs, the product's own, the image's root, and what is always there outside."""
    needed = {ref for one in inventory.components for ref in one.needs}
    needed |= {ref for native in inventory.natives for ref in native.needs}
    roots = {
        one.ref
        for one in inventory.components
        if one.ref not in needed or one.wheel.name == inventory.product.distribution
    }
    roots |= {one.ref for one in inventory.natives if one.ref not in needed}
    return tuple(sorted(roots | {one.ref for one in inventory.outside if one.ref not in needed}))


def graph(inventory: Inventory) -> dict[str, tuple[str, ...]]:
    """Reference -> what it directly needs or contains; a leaf has an empty entry."""
    found: dict[str, tuple[str, ...]] = {primary_ref(inventory.product): needs_of_product(inventory)}
    found |= {one.ref: one.needs for one in inventory.components}
    found |= {one.ref: one.needs for one in inventory.natives}
    return found | {one.ref: () for one in inventory.outside}


def _dependencies(inventory: Inventory) -> list[Json]:
    return [{"ref": ref, "dependsOn": list(needs)} for ref, needs in sorted(graph(inventory).items())]


def _compositions(inventory: Inventory) -> list[Json]:
    """How complete each list of direct needs is: not where one was left out. Of what lies outside nothing below is
    said.
    """
    incomplete = sorted(one.ref for one in inventory.components if one.without)
    outside = sorted(one.ref for one in inventory.outside)
    complete = sorted(set(graph(inventory)) - {*incomplete, *outside})
    found = [
        {"aggregate": aggregate, "assemblies": refs, "dependencies": refs}
        for aggregate, refs in (("complete", complete), ("incomplete", incomplete), ("unknown", outside))
        if refs
    ]
    return [{"bom-ref": f"composition-{one['aggregate']}", **one} for one in found]
