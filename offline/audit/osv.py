"""A snapshot behind enough of the OSV API that an unmodified `pip-audit -s osv --osv-url …` can ask it.

Loopback only: it exists so that a reviewer can check our audit with a tool of their own, on the same machine.

    POST /v1/query        {"package": {"name", "ecosystem"} or {"purl"}, "version"} -> {"vulns": [record]} or {}
    POST /v1/querybatch   {"queries": [query]} -> {"results": [{"vulns": [{"id", "modified"}]} or {}]}
    GET  /v1/vulns/ID     -> record
    POST /                as /v1/query: pip-audit takes `--osv-url` for the whole address

Source: OSV API v1 (osv.dev documentation); errors as gRPC gateways write them: {"code", "message"}.
"""

import ipaddress
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from offline.advisories.record import PYPI, Raw, normal_name
from offline.advisories.snapshot import Snapshot
from offline.advisories.versions import affects

LOOPBACK = "127.0.0.1"
MOST_BODY = 1024 * 1024  # bytes; a thousand queries take a tenth of it
MOST_QUERIES = 1000  # as OSV allows
_PURL = re.compile(r"pkg:pypi/(?P<name>[A-Za-z0-9._-]+)(?:@(?P<version>[^?#]+))?")
_BAD, _UNKNOWN = 3, 5  # gRPC: INVALID_ARGUMENT, NOT_FOUND
_QUERY = ("/", "/v1/query")


class Package(msgspec.Struct, frozen=True):
    name: str = ""
    ecosystem: str = ""
    purl: str = ""


class Query(msgspec.Struct, frozen=True):
    """One question; `page_token` is taken and means nothing, since an answer is always whole."""

    package: Package | None = None
    version: str = ""
    commit: str = ""
    page_token: str = ""


class Batch(msgspec.Struct, frozen=True):
    queries: list[Query]


class CannotAnswer(Exception):
    """A question that makes no sense, or not here; carries the HTTP status and the gRPC code."""

    def __init__(self, message: str, status: int = 400, code: int = _BAD) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Answers:
    """What the snapshot answers, without any HTTP."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._by_id = {
            str(raw["id"]): raw for named in snapshot.packages.values() for found in named.values() for raw in found
        }

    def query(self, asked: Query) -> dict[str, Any]:
        """Raises CannotAnswer."""
        found = self._found(asked)
        return {"vulns": found} if found else {}

    def batch(self, asked: Batch) -> dict[str, Any]:
        """Raises CannotAnswer."""
        if len(asked.queries) > MOST_QUERIES:
            raise CannotAnswer(f"{len(asked.queries)} queries; at most {MOST_QUERIES} at once")
        return {"results": [self._brief(one) for one in asked.queries]}

    def record(self, id_: str) -> Raw:
        """Raises CannotAnswer."""
        if id_ not in self._by_id:
            raise CannotAnswer("no such advisory in this snapshot", 404, _UNKNOWN)
        return self._by_id[id_]

    def _brief(self, asked: Query) -> dict[str, Any]:
        found = self._found(asked)
        return {"vulns": [{"id": raw["id"], "modified": raw["modified"]} for raw in found]} if found else {}

    def _found(self, asked: Query) -> list[Raw]:
        if asked.commit:
            raise CannotAnswer("this snapshot is asked by package and version; it knows no commits")
        if asked.package is None or not (asked.package.name or asked.package.purl):
            raise CannotAnswer("a query names a package")
        ecosystem, name, version = _named(asked.package, asked.version)
        if not self._snapshot.holds(ecosystem):
            # {} would be taken for `nothing is known to be wrong`
            raise CannotAnswer(f"this snapshot knows nothing of the ecosystem `{ecosystem[:40]}`")
        return [
            raw
            for raw, record in self._snapshot.of(ecosystem, name)
            if not version or affects(record, ecosystem, normal_name(ecosystem, name), version)
        ]


def _named(package: Package, version: str) -> tuple[str, str, str]:
    if not package.purl:
        return package.ecosystem, package.name, version
    found = _PURL.fullmatch(package.purl)
    if found is None:
        raise CannotAnswer(f"`{package.purl[:80]}` is not a purl such as `pkg:pypi/name@1.0`")
    if found["version"] and version:
        raise CannotAnswer("the version stands in the purl and beside it")
    return PYPI, found["name"], found["version"] or version


class Handler(BaseHTTPRequestHandler):
    """HTTP around `Answers`: bounded, quick to give up, and silent."""

    protocol_version = "HTTP/1.1"
    timeout = 10.0  # seconds a client may take over a request
    wbufsize = 64 * 1024  # head and body in one segment: apart, each answer waited 40 ms for an acknowledgement
    disable_nagle_algorithm = True
    server: "Server"

    def do_GET(self) -> None:
        found = re.fullmatch(r"/v1/vulns/([A-Za-z0-9._:-]{1,128})", self.path)
        self._answer(lambda: self.server.answers.record(found[1] if found else ""))

    def do_POST(self) -> None:
        self._answer(self._posted)

    def _posted(self) -> dict[str, Any]:
        body = self._body()
        try:
            if self.path == "/v1/querybatch":
                return self.server.answers.batch(msgspec.json.decode(body, type=Batch))
            if self.path in _QUERY:
                return self.server.answers.query(msgspec.json.decode(body, type=Query))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise CannotAnswer(f"the body does not read: {error}") from error
        raise CannotAnswer("no such path", 404, _UNKNOWN)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not re.fullmatch(r"[0-9]{1,9}", length):
            raise CannotAnswer("a body comes with its Content-Length", 411)
        if int(length) > MOST_BODY:
            raise CannotAnswer(f"a body of {length} bytes; at most {MOST_BODY}", 413)
        return self.rfile.read(int(length))

    def _answer(self, work: Callable[[], dict[str, Any]]) -> None:
        status = 200
        try:
            self._check_host()
            told = work()
        except CannotAnswer as refused:
            status, told = refused.status, {"code": refused.code, "message": str(refused)}
            self.close_connection = True  # the body may be unread
        content = msgspec.json.encode(told)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _check_host(self) -> None:
        """A page in a browser must not reach this by a name that was made to point here."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in {LOOPBACK, "localhost"}:
            raise CannotAnswer("this answers to 127.0.0.1 and localhost only", 421)

    def version_string(self) -> str:
        return "redoubt"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name http.server passes
        """Nothing: what a reviewer asks is theirs."""


class Server(ThreadingHTTPServer):
    """Listens on loopback, or not at all."""

    daemon_threads = True

    def __init__(self, snapshot: Snapshot, port: int = 0, host: str = LOOPBACK) -> None:
        """`port` 0 takes a free one. Raises ValueError for a host that is not loopback, OSError for a port in use."""
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"`{host}` is not loopback; this serves reviewers on this machine only")
        self.answers = Answers(snapshot)
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}"
