"""The report for a person: one HTML file that opens, prints and can be searched behind the gap.

What changed comes first. Nothing is fetched; the policy in the page allows its own style and script by their digests,
and without the script everything is there but the search field.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

import msgspec

from sbom import licences
from sbom.bsi import Conformance
from sbom.cyclonedx import moment
from sbom.diff import TITLES, Change, Diff
from sbom.licences import Policy
from sbom.model import Component, Inventory, Native, Outside
from sbom.page import SCRIPT, STYLE
from sbom.score import Feature, Score
from sbom.vex import Vex


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the page is about, beside the inventory."""

    sbom_sha256: str
    serial: str
    epoch: int
    score: Score  # without a signature; signing comes after this page is written
    signed_score: Score  # the same document, were its signature verified
    bsi: Conformance
    diff: Diff | None  # None: there is no earlier bundle to compare with
    before: str  # what it is compared with
    vex: Vex
    policy: Policy
    texts: int
    models: int


def page(inventory: Inventory, facts: Facts) -> bytes:
    """The whole file, the same bytes for the same inventory."""
    product = inventory.product
    title = f"{product.name} {product.version} ({product.machine}): what it is made of"
    body = "\n".join(
        [
            f"<h1>{escape(title)}</h1>",
            _head(facts),
            _NAV,
            _changes(facts),
            _summary(inventory, facts),
            _components(inventory.components),
            _left_out(inventory.components),
            _natives(inventory.natives, inventory.outside),
            _licences(inventory, facts.policy),
            _judgements(facts.vex),
            _approval(inventory, facts),
        ]
    )
    policy = (
        f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    ).encode()


def _head(facts: Facts) -> str:
    return (
        f'<p class="sub">Data of {moment(facts.epoch)}. SHA-256 of <code>sbom/redoubt.cdx.json</code>: '
        f"<code>{facts.sbom_sha256}</code></p>"
    )


_NAV = (
    '<nav><a href="#changes">Changes</a><a href="#summary">Summary</a><a href="#parts">Components</a>'
    '<a href="#natives">Native libraries</a><a href="#licences">Licences</a><a href="#vex">Judgements</a>'
    '<a href="#approval">Approval</a></nav>'
)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], name: str = "") -> str:
    """Cells are HTML already."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    lines = "\n".join(f"<tr>{''.join(_cell(one) for one in row)}</tr>" for row in rows)
    mark = f' id="{name}"' if name else ""
    return (
        f'<div class="wide"><table{mark}><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{lines}\n</tbody></table></div>"
    )


def _cell(content: str) -> str:
    return f'<td class="n">{content}</td>' if content.isdigit() else f"<td>{content}</td>"


def _valid(inventory: Inventory) -> float:
    """Percent, rounded down."""
    told = list(inventory.licence_of().values())
    return int(1000 * sum(licences.valid(one) for one in told) / len(told)) / 10 if told else 100.0


def _changes(facts: Facts) -> str:
    head = '<h2 id="changes">What changed</h2>'
    if facts.diff is None:
        return (
            f"{head}\n<p>No earlier bundle was given: this is the first one, or there is nothing to compare with.</p>"
        )
    said = f"<p>Compared with {escape(facts.before)}.</p>"
    if not facts.diff:
        return f"{head}\n{said}\n<p>Nothing changed.</p>"
    parts = [head, said]
    for field, title in TITLES.items():
        changes: tuple[Change, ...] = getattr(facts.diff, field)
        if changes:
            rows = [(escape(one.name), escape(one.before) or "-", escape(one.after) or "-") for one in changes]
            parts.append(_table(f"{title.capitalize()}: {len(changes)}", ("Name", "Before", "Now"), rows))
    quiet = [title for field, title in TITLES.items() if not getattr(facts.diff, field)]
    if quiet:
        parts.append(f'<p class="sub">No change: {escape("; ".join(quiet))}.</p>')
    return "\n".join(parts)


def _summary(inventory: Inventory, facts: Facts) -> str:
    packages = {one.wheel.name for one in inventory.components}
    files = sum(len(one.wheel.natives) for one in inventory.components)
    starts = [path for one in inventory.components for path in one.wheel.pth]
    bsi = "good" if not facts.bsi.gaps else "bad"
    tiles = [
        ("Packages", str(len(packages))),
        ("Wheel files", str(len(inventory.components))),
        ("Native files, all accounted for", str(files)),
        ("Libraries inside wheels and the image", str(len(inventory.natives))),
        ("Licences that are valid SPDX", f"{_valid(inventory):g} %"),
        ("Licence texts shipped", str(facts.texts)),
        ("Models", str(facts.models)),
        ("<code>.pth</code> files", str(len(starts))),
        ("BSI TR-03183-2 v2.1.0, required fields", f'<span class="{bsi}">{facts.bsi.percent:g} %</span>'),
        ("Score unsigned", f"{facts.score.total:.2f} ({facts.score.grade})"),
        ("Score once its signature is verified", f"{facts.signed_score.total:.2f} ({facts.signed_score.grade})"),
    ]
    shown = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in tiles)
    categories = [
        (
            name,
            f"{value:.2f}",
            escape("; ".join(f"{one.name} {one.said}" for one in _lacking(facts.score, name))) or "-",
        )
        for name, value in facts.score.categories.items()
    ]
    return "\n".join(
        [
            '<h2 id="summary">Summary</h2>',
            f'<dl class="facts">{shown}</dl>',
            _ON_SCORE,
            _table("Score by category, unsigned", ("Category", "Score", "What it lacks"), categories),
        ]
    )


_ON_SCORE = (
    "<p>The score is the sbomqs-2.0 formula in our own implementation, 0 to 10. CPE names are not given: none is "
    "invented. A signature adds its share only when <code>redoubt sbom score</code> has verified it.</p>"
)


def _lacking(score: Score, category: str) -> list[Feature]:
    return [one for one in score.features if one.category == category and one.score is not None and one.score < 10]


def _components(components: Sequence[Component]) -> str:
    rows = [
        (
            f"{escape(one.wheel.name)}<small>{escape(one.wheel.file)}</small>",
            escape(one.wheel.version).replace(".", ".<wbr>"),
            escape(one.licence.expression),
            f"{escape(one.party.name)}<small>{escape(one.party.email or one.party.url)}</small>",
            "<br>".join(escape(line) for line in _places(one)),
            str(len(one.wheel.natives)),
            f'<span class="hash">{one.wheel.sha256[:16]}…</span>',
        )
        for one in components
    ]
    heads = ("Package and file", "Version", "Licence", "Made by", "Environments", "Native", "SHA-256")
    return (
        '<h2 id="parts">Components</h2>\n<p class="search"><label for="find">Search </label>'
        '<input type="search" id="find" autocomplete="off"> <span id="found" aria-live="polite"></span></p>\n'
        + _table("One row for each wheel file; full digests stand in the SBOM", heads, rows, "components")
    )


def _places(one: Component) -> list[str]:
    """`serve 3.11 3.12`, a line for each environment."""
    names = sorted({each.environment for each in one.targets})
    return [" ".join([name, *sorted({t.python for t in one.targets if t.environment == name})]) for name in names]


def _left_out(components: Sequence[Component]) -> str:
    """What packages declare as needed and do not get: told here, so that nobody has to find out."""
    rows = {
        (
            escape(absent.name),
            escape(one.wheel.name),
            ", ".join(sorted({target.environment for target in absent.targets})),
            escape(absent.reason),
        )
        for one in components
        for absent in one.without
    }
    return '<h3 id="left-out">Left out on purpose</h3>\n' + (
        _table("Declared needs that stay unmet", ("Package", "Asked for by", "Not in", "Why"), sorted(rows))
        if rows
        else "<p>Nothing: every declared need is met.</p>"
    )


def _natives(natives: Sequence[Native], outside: Sequence[Outside]) -> str:
    rows = [
        (
            f"{escape(one.name)}<small>{escape(one.purl)}</small>",
            escape(one.version).replace(".", ".<wbr>"),
            escape(one.licence),
            escape(", ".join(sorted({place.partition("!")[0].partition("-")[0] for place in one.within}))),
            escape(one.how),
        )
        for one in natives
    ]
    beyond = [(escape(one.name), escape(one.version), escape(one.licence), escape(one.why)) for one in outside]
    return "\n".join(
        [
            '<h2 id="natives">Native and copied libraries</h2>',
            _table(
                "Inside wheels, and in the image's root file system",
                ("Library", "Version", "Licence", "In", "How it is known"),
                rows,
            ),
            "<h3>Outside the delivery</h3>",
            _table("What the host provides", ("Name", "Version", "Licence", "Why"), beyond),
        ]
    )


def _licences(inventory: Inventory, policy: Policy) -> str:
    counted = Counter(inventory.licence_of().values())
    rows = [(escape(name), str(count)) for name, count in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]
    read = [
        (escape(one.wheel.name), escape(one.licence.expression), escape(one.licence.source.removeprefix("curated: ")))
        for one in inventory.components
        if one.licence.source.startswith("curated")
    ]
    shipped = {one.wheel.name for one in inventory.components} | {one.name for one in inventory.natives}
    exceptions = [
        (escape(one.component), escape(one.licence), escape(one.reason))
        for one in policy.exception
        if one.component in shipped
    ]
    return "\n".join(
        [
            '<h2 id="licences">Licences</h2>',
            _table("Expressions, over wheels, libraries and the host's part", ("Expression", "Components"), rows),
            "<h3>Allowed by exception</h3>",
            _table("Exceptions in force", ("Component", "Licence", "Reason"), exceptions),
            "<h3>Read by a person</h3>",
            _table("Where the metadata does not say it plainly", ("Component", "Licence", "Reason"), sorted(set(read))),
        ]
    )


def _judgements(vex: Vex) -> str:
    head = '<h2 id="vex">Judgements on known vulnerabilities (VEX)</h2>'
    if not vex.entries:
        return f"{head}\n<p>None: nothing is excused. The audit's own report says what it found.</p>"
    rows = [
        (
            escape(one.id),
            escape(f"{one.package} {one.versions}"),
            escape(one.state),
            f"{escape(one.detail)}<small>{escape(one.justification or '')}</small>",
            escape(one.author),
            escape(str(one.expires)),
        )
        for one in vex.entries
    ]
    return f"{head}\n{_table('In force', ('Id', 'About', 'State', 'Why', 'By', 'Until'), rows)}"


def _approval(inventory: Inventory, facts: Facts) -> str:
    product = inventory.product
    return (
        '<section class="approve"><h2 id="approval">Approval</h2>\n'
        f"<p>I have reviewed what {escape(product.name)} {escape(product.version)} ({escape(product.machine)}) is made "
        "of, as described by the SBOM with this digest:</p>\n"
        f'<p class="hash">{facts.sbom_sha256}<br>{escape(facts.serial)}</p>\n'
        '<div class="sign"><div>Name and role</div><div>Date</div>'
        "<div>Signature</div><div>Second reviewer</div></div>\n"
        '<p class="sub">On paper this is a note. What an installer can check is the signature that '
        "<code>redoubt sbom approve</code> writes.</p></section>"
    )
