"""Models of a release, unpacked: data alone, in folders that whoever loads one can hold against one sha256.

A model travels as a wheel. `models/NAME/VERSION/` gets the files of its inner folder (the one with `config.cfg`) and a
`SHA256SUMS` over them, as sha256sum writes it; `models/index.json` names every folder with the sha256 of that file.
The wheel is read as the archive it is: nothing of it is imported or installed, and no code of it is written.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from installer.disk import write_whole
from installer.environment import FILE
from offline.rules.manifest import Manifest, Model
from offline.rules.refusal import Fault, Refused
from offline.rules.wheel import read_wheel

PLACE, INDEX, SUMS, ROOT = "models", "index.json", "SHA256SUMS", "config.cfg"
DATA = frozenset({"", ".bin", ".cfg", ".json", ".jsonl", ".md", ".msgpack", ".txt"})
ELF = b"\x7fELF"


def place(bundle: Path, manifest: Manifest, release: Path) -> None:
    """Unpack every model that travels as a wheel. Raises Refused for one that is not the manifest's, or holds code."""
    listed = [_placed(bundle, one, release / PLACE) for one in manifest.models if one.file.endswith(".whl")]
    if listed:
        text = json.dumps(listed, sort_keys=True, indent=2, ensure_ascii=True) + "\n"
        write_whole(release / PLACE / INDEX, text.encode(), FILE)


def _placed(bundle: Path, model: Model, into: Path) -> Mapping[str, str]:
    """Its line of the index."""
    wheel = bundle / model.file
    if read_wheel(wheel).sha256 != model.sha256:
        raise Refused(Fault.MANIFEST, f"`{model.file}` is not the model that manifest.json names")
    files = _data(wheel)
    folder = into / model.name / model.version
    sums = "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files)).encode()
    for path, content in {**files, SUMS: sums}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as opened:
            opened.write(content)
        target.chmod(FILE)
    return {
        "name": model.name,
        "version": model.version,
        "folder": f"{model.name}/{model.version}",
        "sha256": hashlib.sha256(sums).hexdigest(),
        "licence": model.licence,
    }


def _data(wheel: Path) -> dict[str, bytes]:
    """Path below the inner folder -> content."""
    with zipfile.ZipFile(wheel) as archive:
        names = [one.filename for one in archive.infolist() if not one.is_dir()]
        roots = [PurePosixPath(name).parent for name in names if PurePosixPath(name).name == ROOT]
        if len(roots) != 1:
            raise Refused(Fault.WHEEL, f"`{wheel.name}` holds {len(roots)} files `{ROOT}`; a model has one")
        inner = [name for name in names if PurePosixPath(name).is_relative_to(roots[0])]
        files = {str(PurePosixPath(name).relative_to(roots[0])): archive.read(name) for name in inner}
    for path, content in files.items():
        if PurePosixPath(path).suffix not in DATA or content[:4] == ELF or path == SUMS:
            raise Refused(Fault.WHEEL, f"`{wheel.name}` holds `{path}`, which is no data of a model")
    return files
