"""Pages say what the program does: tables made from it stand in them word for word."""

import re
from pathlib import Path

from appliance.http.errors import TABLE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "appliance" / "docs"


def errors_table() -> str:
    """The error table as Markdown."""
    lines = ["| status | type | code | `x-should-retry` |", "|---|---|---|---|"]
    rows = sorted({(row.status, row.type, row.code, row.retry) for row in TABLE.values()}, key=str)
    for status, kind, code, retry in rows:
        told = {None: "", True: "true", False: "false"}[retry]
        lines.append(f"| {status} | `{kind}` | `{code}` | {told} |")
    return "\n".join(lines)


def test_the_user_guide_holds_the_whole_error_table() -> None:
    page = (DOCS / "user-guide.md").read_text()

    found = re.search(r"<!-- errors:begin -->\n(.*)<!-- errors:end -->", page, re.DOTALL)

    assert found is not None
    assert found[1].strip() == errors_table()


def test_every_link_of_a_page_leads_to_a_file() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_every_decision_is_in_the_index() -> None:
    pages = {page.name for page in (DOCS / "decisions").glob("0*.md")}
    listed = set(re.findall(r"\((0\d{3}-[\w-]+\.md)\)", (DOCS / "decisions" / "README.md").read_text()))

    assert pages == listed


def test_the_readme_names_files_that_exist() -> None:
    named = set(
        re.findall(r"`((?:http|identity|pipeline|policy|routing)/[\w/]+\.py)`", (ROOT / "README.md").read_text())
    )

    assert named
    assert [name for name in named if not (ROOT / "appliance" / name).exists()] == []
