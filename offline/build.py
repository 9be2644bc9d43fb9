"""Building a bundle: one tree of git, its locks and their wheels become a folder with an unsigned SHA256SUMS.

Everything comes out of the tree that was committed and out of files named by hash, and every date is the commit's: two
builds of one order are the same to the byte. Nothing here holds a key. See docs/build-a-bundle.md.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from offline.cache import WheelCache
from offline.chain import carry
from offline.failure import Failure
from offline.fetch import fetch
from offline.image.build import build as build_image
from offline.image.build import check_host
from offline.image.place import ARCHIVE, FOLDER, fitting, place
from offline.image.rootfs import Rootfs
from offline.members import carried_advisories, carried_models, entry, environments
from offline.own import build_wheel
from offline.page import facts, render
from offline.program import write_program
from offline.provenance import BUILDER, provenance
from offline.rules.lock import read_lock
from offline.rules.manifest import Manifest, Model, WheelEntry, write_manifest
from offline.rules.manifest import Source as SourceEntry
from offline.rules.moments import write_moment
from offline.rules.names import SUMS
from offline.rules.release import KINDS, MANIFEST, SBOM
from offline.rules.sums import LARGEST, PRODUCT, Header, read_sums, write_sums
from offline.rules.tree import check_listing, digest, look, read_small
from offline.rules.trust import Trust, fingerprint
from offline.rules.verify import PROVENANCE
from offline.rules.wheel import GLIBC_FLOOR
from offline.schemas import schemas
from offline.source import Source, export
from offline.steps import Step, silent

ARCHITECTURES = ("x86_64", "aarch64")
LIFETIME, SUPPORT = timedelta(days=400), timedelta(days=365)
MODELS = "offline/models/dist"  # in the tree
PROGRAMS = ("verify.sh", "install.sh")  # at the bundle's root, and runnable


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be built."""

    source: Path  # a checkout
    arch: str
    pythons: tuple[str, ...]  # `3.11`
    seq: int
    out: Path
    trust: Path  # a folder with the chain
    wheels: Path  # the cache
    min_from: int = 0
    advisories: Path | None = None  # a signed folder
    models: Path | None = None  # else those of the tree
    tuf_root: Path | None = None
    image_root: Path | None = None  # a folder with the image's root file system, to carry
    image: bool = False  # carry the built image too
    lifetime: timedelta = LIFETIME
    support: timedelta = SUPPORT
    builder: str = BUILDER
    dirty: bool = False
    previous: Path | None = None  # the bundle before this one: its number is passed, and what changed is told


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A bundle on its way: what whoever describes it may look at. `folder` holds wheels and locks already."""

    folder: Path
    tree: Path  # the source, exported
    header: Header
    source: Source
    wheels: tuple[WheelEntry, ...]
    environments: Mapping[tuple[str, str], tuple[str, ...]]  # (`serve`, `3.11`) -> files of its wheels, ours among them
    models: tuple[Model, ...]
    image_root: Rootfs | None = None


# Writes `sbom/` (with `sbom/redoubt.cdx.json`) and `licences/` into the draft's folder, from the bytes that lie there.
Describe = Callable[[Draft], None]


@dataclass(frozen=True, kw_only=True)
class Built:
    """A bundle nobody signed yet."""

    folder: Path
    header: Header
    sums_sha256: str
    files: int
    bytes: int


def build(order: Order, describe: Describe, step: Step = silent) -> Built:
    """Build into `order.out`. Raises Failure or Refused; then nothing is left behind."""
    if order.arch not in ARCHITECTURES or not order.pythons:
        raise Failure(f"a bundle is for one of {', '.join(ARCHITECTURES)} and for one Python at least")
    if order.previous is not None:
        before = read_sums(read_small(order.previous / SUMS, LARGEST)).header.seq
        if order.seq <= before:
            raise Failure(f"the number {order.seq} is not after {before}, which the previous bundle has")
    image_root = _image_root(order)
    order.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=order.out, prefix=".building-") as scratch:
        step("exporting the committed tree", 0, 0)
        source = export(order.source, Path(scratch) / "tree", dirty=order.dirty)
        header = Header(
            channel="app",
            version=source.version,
            arch=order.arch,
            seq=order.seq,
            created=source.created,
            expires=source.created + order.lifetime,
            min_from=order.min_from,
        )
        final = order.out / f"{PRODUCT}-{header.version}-{header.arch}"
        if final.exists():
            raise Failure(f"`{final}` is there already; move it away, or choose another `--out`")
        folder = Path(scratch) / "bundle"
        folder.mkdir()
        trust = carry(order.trust, folder / "trust", "app")
        chosen = _wheels(order, source, folder, step)
        draft = Draft(
            folder=folder,
            tree=source.folder,
            header=header,
            source=source,
            wheels=tuple(entry(one) for one in sorted((folder / "wheels").iterdir())),
            environments=chosen,
            models=carried_models(order.models or source.folder / MODELS, folder / "models"),
            image_root=image_root,
        )
        _copy(draft, trust)
        step("describing what it is made of", 0, 0)
        describe(draft)
        if order.image:
            _carry_image(draft, step)
        _describe_itself(draft, order, trust)
        step("hashing every file", 0, 0)
        built = _seal(folder, header)
        folder.rename(final)
    return Built(folder=final, header=header, sums_sha256=built[0], files=built[1], bytes=built[2])


def _wheels(order: Order, source: Source, folder: Path, step: Step) -> dict[tuple[str, str], tuple[str, ...]]:
    """Copy locks and wheels, ours among them; the files of each environment."""
    cache = WheelCache(order.wheels)
    step("building our own wheel", 0, 0)
    own = build_wheel(source.folder, _setuptools(source, cache, step), folder.parent / "own", source.created)
    chosen: dict[tuple[str, str], tuple[Path, ...]] = {}
    (folder / "locks").mkdir()
    for python in order.pythons:
        tag = f"cp{python.replace('.', '')}"
        for kind in KINDS:
            lock = source.folder / f"offline/locks/{kind}-{tag}-{order.arch}.txt"
            if not lock.is_file():
                raise Failure(f"there is no lock `{lock.name}`; make it with `redoubt bundle lock`")
            shutil.copyfile(lock, folder / f"locks/{kind}-{tag}.txt")
            pins = read_lock(lock.read_text(encoding="ascii"))
            chosen[kind, python] = (own, *fetch(pins, python, order.arch, cache, step))
    (folder / "wheels").mkdir()
    every = sorted({one for some in chosen.values() for one in some}, key=lambda one: one.name)
    for at, wheel in enumerate(every, 1):
        step(f"copying {wheel.name}", at, len(every))
        if (folder / "wheels" / wheel.name).exists():
            raise Failure(f"two locks want different files of one name, `{wheel.name}`; lock anew")
        shutil.copyfile(wheel, folder / "wheels" / wheel.name)
    return {where: tuple(one.name for one in some) for where, some in chosen.items()}


def _setuptools(source: Source, cache: WheelCache, step: Step) -> Path:
    """The one wheel that builds ours: the same for every Python and machine, which is checked."""
    locks = sorted((source.folder / "offline/locks").glob("build-*.txt"))
    pins = {pin for lock in locks for pin in read_lock(lock.read_text(encoding="ascii"))}
    if len(pins) != 1 or (pin := pins.pop()).name != "setuptools":
        raise Failure("the `build` locks must all pin one and the same setuptools; lock anew with `--set build`")
    return fetch([pin], "3.11", "x86_64", cache, step)[0]


def _image_root(order: Order) -> Rootfs | None:
    """What the order says of images, before anything is made of it. Raises Failure."""
    if order.image:
        if order.image_root is None:
            raise Failure("an image is built of a root file system: name one with `--image-root`")
        check_host()
    return None if order.image_root is None else fitting(order.image_root, order.arch, order.pythons)


def _carry_image(draft: Draft, step: Step) -> None:
    """Build the image of what lies there, beside its root file system."""
    target = draft.folder.with_name(ARCHIVE)
    build_image(
        draft.folder, target, epoch=int(draft.header.created.timestamp()), say=lambda line: step(f"image: {line}", 0, 0)
    )
    target.rename(draft.folder / FOLDER / ARCHIVE)


def _copy(draft: Draft, trust: Trust) -> None:
    """What the release carries of its tree as it is."""
    tree, folder = draft.tree, draft.folder
    shutil.copytree(tree / "appliance/docs", folder / "docs", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "policy").mkdir()
    shutil.copyfile(tree / "offline/policy/pth-allow.txt", folder / "policy/pth-allow.txt")
    if (tree / "installer/units").is_dir():
        shutil.copytree(tree / "installer/units", folder / "units")
    for name in (*PROGRAMS, "START-HERE.txt"):
        if not (tree / "installer" / name).is_file():
            raise Failure(f"the tree has no `installer/{name}`, without which nobody can begin on the other side")
        shutil.copyfile(tree / "installer" / name, folder / name)
    page = folder / "START-HERE.txt"
    told = facts(draft.header, draft.source.commit, trust)
    page.write_text(render(page.read_text(encoding="utf-8"), told), encoding="utf-8")
    write_program(tree, folder / "installer.pyz")
    place(tree, folder, draft.image_root)


def _describe_itself(draft: Draft, order: Order, trust: Trust) -> None:
    """Advisories, models, provenance and, last, the manifest about all of it."""
    folder, header, source = draft.folder, draft.header, draft.source
    advisories = carried_advisories(order.advisories, folder / "advisories", trust)
    if order.tuf_root is not None:
        (folder / "tuf").mkdir()
        shutil.copyfile(order.tuf_root, folder / "tuf/root.json")
    asked: dict[str, object] = {
        "advisories": advisories.sha256,
        "arch": header.arch,
        "image": order.image,
        "image_root": "" if draft.image_root is None else draft.image_root.sha256,
        "expires": write_moment(header.expires),
        "min_from": header.min_from,
        "previous": "" if order.previous is None else digest(order.previous / SUMS),
        "pythons": list(order.pythons),
        "seq": header.seq,
    }
    foreign = [one for one in draft.wheels if one.name != "redoubt-gateway"]
    (folder / PROVENANCE).write_bytes(provenance(source, asked, foreign, order.builder, _debs(draft.image_root)))
    if not (folder / SBOM).is_file():
        raise Failure(f"nobody wrote `{SBOM}`: a release does not travel without its list of parts")
    manifest = Manifest(
        product=PRODUCT,
        channel=header.channel,
        version=header.version,
        arch=header.arch,
        seq=header.seq,
        min_from=header.min_from,
        created=write_moment(header.created),
        expires=write_moment(header.expires),
        support_until=write_moment(source.created + order.support),
        source=SourceEntry(commit=source.commit, tree=source.tree),
        glibc=".".join(map(str, GLIBC_FLOOR)),
        environments=environments(order.pythons),
        wheels=draft.wheels,
        databases=schemas(draft.tree),
        advisories=advisories,
        models=draft.models,
        sbom_sha256=digest(folder / SBOM),
        trust_fingerprint=fingerprint(str(trust).encode()).replace(" ", ""),
        bytes=sum(look(folder).files.values()),
    )
    (folder / MANIFEST).write_bytes(write_manifest(manifest))


def _debs(root: Rootfs | None) -> list[tuple[str, str, str]]:
    return [] if root is None else [(one.file, one.purl, one.sha256) for one in root.packages]


def _seal(folder: Path, header: Header) -> tuple[str, int, int]:
    """Give every file its mode, and write SHA256SUMS. Its sha256, how many files, how many bytes."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() or str(path.relative_to(folder)) in PROGRAMS else 0o644)
    for empty in sorted((one for one in folder.rglob("*") if one.is_dir()), reverse=True):
        if not any(empty.iterdir()):
            empty.rmdir()
    tree = look(folder)
    listed = {path: digest(folder / path) for path in tree.files}
    check_listing(tree, listed)
    (folder / SUMS).write_bytes(write_sums(header, listed))
    (folder / SUMS).chmod(0o644)
    return digest(folder / SUMS), len(listed), sum(tree.files.values())
