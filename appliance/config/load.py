"""From the file to a frozen `Site`. Every error names file, line and path."""

from pathlib import Path
from typing import TypeVar

import msgspec

from appliance.config.problems import Problem, problems
from appliance.config.rules import broken_rules
from appliance.config.schema import Listener, Site, Tls
from appliance.config.tree import Tree, parse
from appliance.domain.errors import ConfigError

ListenerT = TypeVar("ListenerT", bound=Listener)


def load(path: Path) -> Site:
    """Raises ConfigError with the first problem, and how many more there are."""
    tree = _read(path)
    found = _problems(tree)
    if found:
        raise _error(path, tree, found)
    return _absolute(msgspec.convert(tree.data, Site), path.absolute().parent)


def check(path: Path) -> list[ConfigError]:
    """Every problem of the file, in the order of its lines. Empty: it can be loaded."""
    try:
        tree = _read(path)
    except ConfigError as e:
        return [e]
    return [
        ConfigError(str(problem), file=str(path), line=tree.line(problem.path))
        for problem in sorted(_problems(tree), key=lambda problem: tree.line(problem.path))
    ]


def _read(path: Path) -> Tree:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise ConfigError(f"cannot be read: {e.strerror}", file=str(path)) from e
    except UnicodeDecodeError as e:
        raise ConfigError("is not UTF-8 text", file=str(path)) from e
    return parse(text, str(path))


def _problems(tree: Tree) -> list[Problem]:
    found = list(problems(tree.data, Site))
    return found or list(broken_rules(msgspec.convert(tree.data, Site)))


def _error(path: Path, tree: Tree, found: list[Problem]) -> ConfigError:
    first = min(found, key=lambda problem: tree.line(problem.path))
    more = f" (and {len(found) - 1} more; see `redoubt config check`)" if len(found) > 1 else ""
    return ConfigError(f"{first}{more}", file=str(path), line=tree.line(first.path))


def _absolute(site: Site, folder: Path) -> Site:
    """The site with every path made absolute, relative ones being meant from the file's folder."""
    replace = msgspec.structs.replace
    listen = replace(site.listen, api=_tls(site.listen.api, folder), admin=_tls(site.listen.admin, folder))
    models = tuple(
        replace(
            model,
            deployments=tuple(
                replace(
                    one,
                    credential=_reference(one.credential, folder),
                    ca_file=str(folder / one.ca_file) if one.ca_file else None,
                )
                for one in model.deployments
            ),
        )
        for model in site.models
    )
    master_key = str(folder / site.master_key) if site.master_key else None
    privacy = site.privacy
    if privacy.model is not None:
        privacy = replace(privacy, model=replace(privacy.model, folder=str(folder / privacy.model.folder)))
    data = str(folder / site.data)
    return replace(site, listen=listen, data=data, master_key=master_key, models=models, privacy=privacy)


def _tls(listener: ListenerT, folder: Path) -> ListenerT:
    if (tls := listener.tls) is None:
        return listener
    client_ca = str(folder / tls.client_ca) if tls.client_ca else None
    return msgspec.structs.replace(
        listener, tls=Tls(cert=str(folder / tls.cert), key=str(folder / tls.key), client_ca=client_ca)
    )


def _reference(reference: str | None, folder: Path) -> str | None:
    if reference is None or not reference.startswith("file:"):
        return reference
    return f"file:{folder / reference.removeprefix('file:')}"
