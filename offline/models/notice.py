"""The NOTICE of a model: who made what it learned from, under which licence. Made from the data manifest."""

from offline.models.manifest import Corpus, Data, Words

HEAD = """\
# NOTICE

The model is a data artefact of its own, under CC-BY-SA-4.0 (creativecommons.org/licenses/by-sa/4.0/); the code around
it is under Apache-2.0. It was trained on the texts and word lists below, in modified versions: converted, cleaned,
mapped to other labels, and varied while training. Their authors do not endorse it. `share-alike` marks texts that
`redoubt models train --without-share-alike` leaves out.
"""
FAKER = (
    "Names and streets of synthetic text: Faker, MIT License, Copyright (c) 2012 Daniele Faraglia, and contributors."
)


def notice(data: Data) -> str:
    """Markdown: one paragraph for each corpus, one line for each word list."""
    corpora = "\n\n".join(_corpus(one) for one in data.corpora)
    lists = "\n".join(f"- {one.name} ({one.licence}): {one.attribution}. Source: {one.source}." for one in data.words)
    return f"{HEAD}\n## Annotated text\n\n{corpora}\n\n## Word lists and templates\n\n{lists}\n- {FAKER}\n"


def _corpus(one: Corpus) -> str:
    mark = ", share-alike" if one.share_alike else ""
    note = f" {one.note}" if one.note else ""
    return f"**{one.name}** ({one.licence}{mark}). {one.attribution}. Source: {one.source}.{note}"


def dataset(one: Corpus | Words) -> dict[str, str]:
    """The entry of the ML-BOM."""
    url = one.source.split(" @ ")[0] if one.source.startswith("github.com/") else ""
    return {
        "name": one.name,
        "licence": one.licence,
        "url": url,
        "note": f"{one.attribution}. Source: {one.source}. {one.note}".strip(),
    }
