"""provenance.json: how a bundle was made. A SLSA provenance v1 predicate, canonical.

It holds nothing that differs between two builds of one source: no host, no user, no time but the commit's.
"""

from collections.abc import Iterable, Mapping

from offline.rules.dsse import canonical
from offline.rules.manifest import WheelEntry
from offline.rules.moments import write_moment
from offline.source import Source

# Described in docs/build-a-bundle.md. Tag URIs (RFC 4151): names, never addresses.
BUILD_TYPE = "tag:redoubt.example,2026:bundle-build/v1"
BUILDER = "tag:redoubt.example,2026:builder/unnamed"


def provenance(
    source: Source,
    asked: Mapping[str, object],
    wheels: Iterable[WheelEntry],
    builder: str,
    debs: Iterable[tuple[str, str, str]] = (),  # file, purl, sha256
) -> bytes:
    """`asked`: what the builder was told. Every wheel that was not built here is a dependency, by purl and sha256,
    and so is every Debian package of the image.
    """
    moment = write_moment(source.created)
    return canonical(
        {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(asked, source={"commit": source.commit, "tree": source.tree}),
                "internalParameters": {"SOURCE_DATE_EPOCH": int(source.created.timestamp())},
                "resolvedDependencies": [
                    {
                        "uri": f"git+urn:redoubt@{source.commit}",
                        "digest": {"gitCommit": source.commit.removesuffix("-dirty"), "gitTree": source.tree},
                    },
                    *(_dependency(wheel) for wheel in sorted(wheels, key=lambda one: one.file)),
                    *({"name": name, "uri": purl, "digest": {"sha256": sha256}} for name, purl, sha256 in sorted(debs)),
                ],
            },
            "runDetails": {
                "builder": {"id": builder},
                "metadata": {"startedOn": moment, "finishedOn": moment},
            },
        }
    )


def _dependency(wheel: WheelEntry) -> dict[str, object]:
    # purl-spec, type pypi: the file tells one artefact of a version from another
    purl = f"pkg:pypi/{wheel.name}@{wheel.version.replace('+', '%2B')}?file_name={wheel.file.replace('+', '%2B')}"
    return {"name": wheel.file, "uri": purl, "digest": {"sha256": wheel.sha256}}
