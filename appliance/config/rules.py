"""What no single setting can know: rules between settings, and warnings to give at every start."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from appliance.config.privacy_rules import broken_privacy, unknown_policy
from appliance.config.problems import Problem
from appliance.config.schema import ANY_ADDRESS, Listener, Site
from appliance.config.tree import Path

_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*\Z",
    re.IGNORECASE,
)


def broken_rules(site: Site) -> Iterator[Problem]:
    """Everything that is well-formed and still not allowed."""
    for name, listener in (("api", site.listen.api), ("admin", site.listen.admin)):
        yield from _listener(("listen", name), listener)
    api, admin = site.listen.api, site.listen.admin
    if api.port == admin.port != 0 and (api.host == admin.host or {api.host, admin.host} & {*ANY_ADDRESS}):
        yield Problem(("listen", "admin", "port"), f"both listeners want port {api.port}; give each its own")
    for at, entry in enumerate(site.egress.allow):
        if text := _not_a_network(entry):
            yield Problem(("egress", "allow", at), text)
    yield from broken_entities(site)
    yield from broken_privacy(site.privacy)
    named: dict[tuple[str, int], str | None] = {("models", at): model.privacy for at, model in enumerate(site.models)}
    named |= {("keys", at): key.privacy for at, key in enumerate(site.keys)}
    for path, policy in named.items():
        yield from unknown_policy(policy, site.privacy.names, (*path, "privacy"))


def broken_entities(site: Site) -> Iterator[Problem]:
    """The same of models and keys alone; whether their policies exist is not asked."""
    yield from _twice((model.name for model in site.models), ("models",), "name")
    for at, model in enumerate(site.models):
        yield from _twice((one.label for one in model.deployments), ("models", at, "deployments"), "label")
    yield from _twice((key.name for key in site.keys), ("keys",), "name")
    for at, key in enumerate(site.keys):
        if "*" in key.models and len(key.models) > 1:
            yield Problem(("keys", at, "models"), "`*` is every model; leave the other names out")


def warnings(site: Site) -> list[str]:
    """What is allowed, and should be said at every start."""
    said = [
        f"listen.{name}: plain http on {listener.host}:{listener.port} is reachable from other machines; "
        "API keys and prompts cross the network in the clear"
        for name, listener in (("api", site.listen.api), ("admin", site.listen.admin))
        if listener.beyond_loopback and listener.tls is None
    ]
    said.extend(
        f"egress.allow: `{entry}` is every address there is; the egress guard then guards nothing"
        for entry in site.egress.allow
        if entry.endswith("/0")
    )
    return said


def _listener(path: Path, listener: Listener) -> Iterator[Problem]:
    if listener.host != "localhost" and not _is_address(listener.host):
        yield Problem(
            (*path, "host"), "is not an IP address; names are not looked up to listen on (`hosts` takes names)"
        )
        return
    if not listener.beyond_loopback:
        return
    if listener.tls is None and not listener.plain_http:
        yield Problem(
            (*path, "host"),
            f"`{listener.host}` is reachable from other machines; give `tls`, or say `plain_http: true`",
        )
    if listener.host in ANY_ADDRESS and not listener.hosts:
        yield Problem(
            path, "`hosts` is missing: name the hosts clients will ask for, since every address is listened on"
        )


def _twice(names: Iterable[str], path: Path, field: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for at, name in enumerate(names):
        if name in seen:
            yield Problem((*path, at, field), f"`{name}` is there already; each {field} stands once")
        seen.add(name)


def _not_a_network(entry: str) -> str:
    """Why an entry of the allow-list cannot be used, or an empty text."""
    name = entry.removeprefix("*.")
    if "/" not in entry and (_is_address(entry) or (_HOST_NAME.match(name) and not name.replace(".", "").isdigit())):
        return ""
    try:
        ipaddress.ip_network(entry)
    except ValueError:
        try:
            return f"has host bits set; did you mean `{ipaddress.ip_network(entry, strict=False)}`?"
        except ValueError:
            return "is neither a network such as 10.1.0.0/16, nor an address, nor a host name"
    return ""


def _is_address(entry: str) -> bool:
    try:
        ipaddress.ip_address(entry)
    except ValueError:
        return False
    return True
