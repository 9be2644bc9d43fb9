"""The folder of a bundle: complete, the same twice, and a page that a person can use."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sbom.collect import Tables
from sbom.model import Refused, Target
from sbom.write import Written, write
from tests.sbom.wheels import EPOCH, PRODUCT, SERVE, build


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, wheels: Mapping[Target, list[Path]], tables: Tables
) -> tuple[Path, Written]:
    folder = tmp_path_factory.mktemp("bundle")
    return folder, write(folder, wheels, PRODUCT, previous=None, epoch=EPOCH, tables=tables)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_everything_is_written_and_told(written: tuple[Path, Written]) -> None:
    folder, told = written
    found = files(folder)

    assert told.digests == {path: hashlib.sha256(content).hexdigest() for path, content in found.items()}
    assert list(found) == [
        "licences/libquick-2.1/MIT.txt",
        "licences/plain-1.0/LICENSE",
        "licences/quick-1.0/LICENSE",
        "licences/redoubt-gateway-0.1.0/LICENSE",
        "sbom/mlbom.cdx.json",
        "sbom/redoubt.cdx.json",
        "sbom/redoubt.spdx.json",
        "sbom/report.html",
        "sbom/vex.cdx.json",
    ]
    assert (told.wheels, told.natives, told.native_files, told.bsi_percent) == (3, 1, 1, 100.0)


def test_a_second_time_gives_the_same_bytes(
    written: tuple[Path, Written], tmp_path: Path, wheels: Mapping[Target, list[Path]], tables: Tables
) -> None:
    write(tmp_path / "again", wheels, PRODUCT, previous=None, epoch=EPOCH, tables=tables)

    assert files(tmp_path / "again") == files(written[0])


def test_nothing_is_written_when_something_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "plain", head=("License-Expression: GPL-3.0-only",))

    with pytest.raises(Refused):
        write(tmp_path / "bundle", {SERVE: [path]}, PRODUCT, previous=None, epoch=EPOCH, tables=tables)

    assert not (tmp_path / "bundle").exists()


class Page(HTMLParser):
    """Tags, links and the texts of style and script."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, str] = {}
        self.headings: list[str] = []
        self._in = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in in {"style", "script"}:
            self.inline[self._in] = data
        if self._in == "h2":
            self.headings.append(data)


def test_the_page_tells_what_changed_first(written: tuple[Path, Written]) -> None:
    page = Page((written[0] / "sbom/report.html").read_bytes())

    assert page.headings[0] == "What changed"
    assert page.headings[-1] == "Approval"


def test_the_page_needs_nothing_from_elsewhere_and_allows_only_its_own_code(written: tuple[Path, Written]) -> None:
    page = Page((written[0] / "sbom/report.html").read_bytes())
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")

    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "form"}
    assert not [attrs for _, attrs in page.tags if {"src", "onclick", "style"} & attrs.keys()]
    assert all((attrs["href"] or "").startswith("#") for tag, attrs in page.tags if tag == "a")
    for name in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.inline[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in (policy or "")


def test_the_page_shows_the_change_since_the_last_bundle(
    tmp_path: Path, wheels: Mapping[Target, list[Path]], tables: Tables, written: tuple[Path, Written]
) -> None:
    before = json.loads((written[0] / "sbom/redoubt.cdx.json").read_text())
    before["components"] = [one for one in before["components"] if one["name"] != "quick"]
    (tmp_path / "before.json").write_text(json.dumps(before))

    write(tmp_path / "next", wheels, PRODUCT, previous=tmp_path / "before.json", epoch=EPOCH, tables=tables)

    text = (tmp_path / "next/sbom/report.html").read_text()
    assert re.search(r"<caption>Packages added: 1</caption>.*<td>quick</td><td>-</td><td>1\.0</td>", text, re.DOTALL)


def test_names_from_wheels_cannot_write_into_the_page(tmp_path: Path, tables: Tables) -> None:
    head = ("License-Expression: MIT", "Author: <script>alert(1)</script>", "Home-page: https://a.example/")
    info = "plain-1.0.dist-info"
    path = build(tmp_path, "plain", head=head, files={f"{info}/entry_points.txt": b"[console_scripts]\n<b> = x:y\n"})

    write(tmp_path / "bundle", {SERVE: [path]}, PRODUCT, previous=None, epoch=EPOCH, tables=tables)

    assert b"<script>alert" not in (tmp_path / "bundle/sbom/report.html").read_bytes()
