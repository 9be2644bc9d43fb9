"""Models of a release, unpacked: `models/NAME/VERSION/` holds the data of each that travels as a wheel.

`models/index.json` names every folder with the sha256 of its `SHA256SUMS`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from installer.disk import write_whole
from installer.environment import FILE
from offline.rules.manifest import Manifest, Model
from offline.rules.model import unpack
from offline.rules.refusal import Fault, Refused
from offline.rules.wheel import read_wheel

PLACE, INDEX = "models", "index.json"


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
    return {
        "name": model.name,
        "version": model.version,
        "folder": f"{model.name}/{model.version}",
        "sha256": unpack(wheel, into / model.name / model.version, FILE),
        "licence": model.licence,
    }
