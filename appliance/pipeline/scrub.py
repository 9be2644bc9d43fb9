"""An upstream's own words, fit for a client: no address, no host path, no upstream id, no foreign model name."""

import re
from urllib.parse import urlsplit

from appliance.domain.model import Deployment

LONGEST = 600  # characters; a validation error of a model server can run to pages

_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"`)>\]]+", re.IGNORECASE)
_IPV4 = re.compile(r"(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?!\d)")
_IPV6 = re.compile(r"(?<![\w:])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
# A path on the host. Ordinary text has a letter before its slash (`and/or`, `km/h`), a path has none. But ideographs
# stand beside a path without a blank: after one, what follows the slash decides (a path's name begins in ASCII).
_SEGMENT = r"[\w.@+%~$-]"
_ROUTE = r"/v1(?:/(?:chat/)?completions|/embeddings|/models)?(?![\w/@+-]|\.\w)"  # the gateway's own
_NO_PATH = rf"(?!{_ROUTE}|(?<=<)/\w+>|/\d*(?:[^\w.@+%~$/-]|\Z))"  # a route, a closing tag, a fraction
_PATH = re.compile(
    rf"(?<![\w/#]){_NO_PATH}/*(?:/{_SEGMENT}+){{2,}}/?"  # `#/a/b` points into the client's own schema
    rf"|(?<![A-Za-z0-9_\u00c0-\u052f/#]){_NO_PATH}/+(?=[A-Za-z0-9_.~$]){_SEGMENT}{{2,}}(?:/{_SEGMENT}*)*"
    r"|\b[A-Za-z]:\\[^\s'\"]+|\\\\[\w.$-]+\\[^\s'\"]+"
)
_HOST_PORT = re.compile(r"[A-Za-z0-9_…][A-Za-z0-9_.…-]*:\d{2,5}\b")
_PARAM = re.compile(r"[A-Za-z_][\w.\[\]-]{0,63}")
_ID = re.compile(r"\b(?:chatcmpl|cmpl|embd|req|resp|call)-[\w-]{4,}\b")
_ALIASES = re.compile(r"\s*(?:Valid|Available|Known)\s+(?:aliases|models)\b.*", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def scrub(text: str, to: Deployment) -> str:
    """`text` with the upstream's model name turned into the public one and everything that names a place removed."""
    text = _ALIASES.sub("", text[: LONGEST * 8])
    host = urlsplit(to.url).hostname
    if host:
        text = re.sub(re.escape(host), "…", text, flags=re.IGNORECASE)
    # The name by itself first: where it is a folder (`/models`), what lies below it is a path like any other.
    text = re.sub(rf"(?<![\w/.-]){re.escape(to.upstream_model)}(?![\w/-]|\.\w)", lambda _: to.model, text)
    for pattern in (_URL, _PATH, _IPV4, _IPV6, _ID):
        text = pattern.sub("…", text)
    text = _HOST_PORT.sub("…", text.replace(to.upstream_model, to.model))
    text = " ".join(_CONTROL.sub(" ", text).split())
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def scrub_param(param: str | None, to: Deployment) -> str | None:
    """The name of a request field, and nothing else."""
    if param is None or not _PARAM.fullmatch(param) or scrub(param, to) != param:
        return None
    return param
