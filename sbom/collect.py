"""From wheel files to an inventory: every wheel file once, with its licence, its maker, its needs and its insides."""

from collections.abc import Iterable, Mapping, Sequence
from email.utils import getaddresses
from pathlib import Path
from urllib.parse import urlsplit

from sbom import leftout, licences, natives
from sbom import wheel as wheels_
from sbom.leftout import LeftOut
from sbom.model import Absent, Component, Inventory, Native, Party, Product, Refused, Target, Wheel
from sbom.requirements import edges

_SOURCE_LABELS = {"source", "source code", "sourcecode", "repository", "code", "github", "sources"}
_FORGES = ("github.com", "gitlab.com", "codeberg.org", "bitbucket.org")


class Tables:
    """What was curated: licences to read, licences allowed, natives known, needs left unmet."""

    def __init__(
        self,
        reading: licences.Reading | None = None,
        policy: licences.Policy | None = None,
        known: natives.Known | None = None,
        left: tuple[LeftOut, ...] | None = None,
    ) -> None:
        self.reading = reading or licences.reading()
        self.policy = policy or licences.policy()
        self.known = known or natives.load()
        self.left = leftout.load() if left is None else left


def collect(
    wheels: Mapping[Target, Sequence[Path]], product: Product, tables: Tables, image: Sequence[Native] = ()
) -> Inventory:
    """Read every wheel and settle everything about it. Raises Refused at the first thing that must not be shipped.

    `image`: the parts of the image's root file system, see debian.py.
    """
    read = _read(wheels, tables)
    placed = {target: _by_name(target, [read[path.name] for path in paths]) for target, paths in wheels.items()}
    for target, here in placed.items():
        if unwanted := sorted(here.keys() & leftout.of(tables.left, target.environment).keys()):
            raise Refused(f"{leftout.ADD} leaves `{unwanted[0]}` out, and it is in {target}; lock anew")
    inside = {file: natives.inside(one, tables.known) for file, one in read.items()}
    pythons = ", ".join(sorted({target.python for target in wheels}, key=_numbers))
    outside = natives.provided(read.values(), tables.known, pythons)
    refs = {one.name: one.ref for one in outside}
    # The product's own wheel is installed with the extra that is called like the environment, where it has one.
    graph = {
        target: edges(target, here, {product.distribution: {target.environment}}) for target, here in placed.items()
    }
    components = tuple(
        _component(one, product, placed, graph, inside[file], refs, tables) for file, one in sorted(read.items())
    )
    merged = _merge([one for found in inside.values() for one in found])
    for native in merged:
        licences.check(native.licence, native.name, tables.policy)
    natives_ = tuple(sorted((*merged, *image)))
    return Inventory(product=product, components=components, natives=natives_, outside=outside)


def _read(wheels: Mapping[Target, Sequence[Path]], tables: Tables) -> dict[str, Wheel]:
    texts = [one.text_from for one in tables.reading.curated if one.text_from]
    paths: dict[str, Path] = {}
    for path in (path for given in wheels.values() for path in given):
        if paths.setdefault(path.name, path) != path and paths[path.name].read_bytes() != path.read_bytes():
            raise Refused(f"two different wheels are called `{path.name}`: {paths[path.name]} and {path}")
    return {name: wheels_.read(path, texts, tables.known.proofs()) for name, path in sorted(paths.items())}


def _by_name(target: Target, here: Iterable[Wheel]) -> dict[str, Wheel]:
    found: dict[str, Wheel] = {}
    for one in here:
        if one.name in found:
            raise Refused(f"environment {target} has two wheels of `{one.name}`: {found[one.name].file}, {one.file}")
        found[one.name] = one
    return found


def _component(
    one: Wheel,
    product: Product,
    placed: Mapping[Target, Mapping[str, Wheel]],
    graph: Mapping[Target, Mapping[str, Mapping[str, bool]]],
    inside: tuple[Native, ...],
    outside: Mapping[str, str],
    tables: Tables,
) -> Component:
    licence = licences.read(one, tables.reading)
    licences.check(licence.expression, one.name, tables.policy)
    targets = tuple(sorted(target for target, here in placed.items() if here.get(one.name) is one))
    needs = {native.ref for native in inside}
    needs |= {outside[name] for name in natives.needs_of_host(one, tables.known) if name in outside}
    for target in targets:
        needs |= {placed[target][name].ref for name, met in graph[target][one.name].items() if met}
    vcs, homepage = _links(one)
    return Component(
        wheel=one,
        licence=licence,
        party=product.party if one.name == product.distribution else _party(one, vcs or homepage),
        vcs=vcs,
        homepage=homepage,
        targets=targets,
        needs=tuple(sorted(needs)),
        without=_without(one, targets, graph, tables.left),
    )


def _without(
    one: Wheel,
    targets: Sequence[Target],
    graph: Mapping[Target, Mapping[str, Mapping[str, bool]]],
    left: Sequence[LeftOut],
) -> tuple[Absent, ...]:
    """Raises Refused for a need that is unmet and not told."""
    where: dict[tuple[str, str], list[Target]] = {}
    for target in targets:
        for name in (name for name, met in graph[target][one.name].items() if not met):
            reason = leftout.reason(left, target.environment, name, one.name)
            where.setdefault((name, reason), []).append(target)
    return tuple(sorted(Absent(name, tuple(places), reason) for (name, reason), places in where.items()))


def _party(one: Wheel, place: str) -> Party:
    """Author before maintainer; an address before a link (BSI TR-03183-2, 5.2.2). Raises Refused for neither."""
    for role in ("author", "maintainer"):
        name = next(iter(one.metadata.get(role, ())), "")
        for shown, address in getaddresses(one.metadata.get(f"{role}_email", [])):
            if "@" in address:
                best = shown or name
                return Party(best if best and "://" not in best else f"{one.name} developers", email=address)
    name = next(iter([*one.metadata.get("author", ()), *one.metadata.get("maintainer", ())]), "")
    if not place:
        raise Refused(f"wheel `{one.file}` names neither an address nor a link of its maker")
    return Party(name or f"{one.name} developers", url=place)


def _links(one: Wheel) -> tuple[str, str]:
    """Where its source lies, and its page."""
    labelled = [line.partition(",")[::2] for line in one.metadata.get("project_urls", ())]
    urls = {label.strip().lower(): url.strip() for label, url in labelled}
    homepage = urls.get("homepage") or next(iter(one.metadata.get("home_page", ())), "")
    source = next((urls[label] for label in sorted(urls) if label in _SOURCE_LABELS), "")
    candidates = [source, homepage, *(urls[label] for label in sorted(urls))]
    vcs = source or next((found for url in candidates if (found := _repository(url))), "")
    return _repository(vcs) or vcs, homepage or vcs


def _repository(url: str) -> str:
    """`https://forge/owner/name`, when the link leads into a known forge."""
    parts = urlsplit(url)
    segments = [one for one in parts.path.split("/") if one]
    if parts.hostname not in _FORGES or len(segments) < 2 or segments[0] == "sponsors":
        return ""
    return f"https://{parts.hostname}/{segments[0]}/{segments[1].removesuffix('.git')}"


def _merge(found: Iterable[Native]) -> tuple[Native, ...]:
    """One entry for each library and version, with all the places it lies in."""
    merged: dict[str, Native] = {}
    for one in sorted(found):
        before = merged.get(one.ref)
        if before and before.licence != one.licence:
            raise Refused(f"`{one.ref}` is said to be under `{before.licence}` and under `{one.licence}`")
        merged[one.ref] = _joined(before, one) if before else one
    return tuple(sorted(merged.values()))


def _joined(first: Native, second: Native) -> Native:
    return Native(
        name=first.name,
        version=first.version,
        purl=first.purl,
        licence=first.licence,
        party=first.party,
        how=first.how
        if first.how == second.how
        else "; ".join(sorted({*first.how.split("; "), *second.how.split("; ")})),
        within=tuple(sorted({*first.within, *second.within})),
        vcs=first.vcs or second.vcs,
        file=first.file,
        sha256=first.sha256,
        sha512=first.sha512,
        copyright=first.copyright or second.copyright,
        needs=tuple(sorted({*first.needs, *second.needs})),
        text=first.text if first.text == second.text else "",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
