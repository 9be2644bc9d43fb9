"""Bytes behind a P-384 signature: `openssl dgst` reads no more than a signature can have, and passes over the rest."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from offline.rules.names import SUMS
from offline.rules.openssl import OpenSSL
from offline.rules.refusal import Fault, Refused
from offline.rules.verify import follow, verify
from tests.fakes.bundle import ALICE, BOB, Release, asked, trust
from tests.installer.verify_sh.program import fault, run

LONGEST = 104  # bytes of a P-384 signature in DER
TAILS: dict[str, Callable[[bytes], bytes]] = {
    "one byte": lambda der: der + b"\0",
    "as many as hide behind the longest": lambda der: der.ljust(LONGEST, b"\0") + b"x",
    "a page": lambda der: der + b"x" * 4096,
    "the signature again": lambda der: der * 2,
    "one byte in front": lambda der: b"\0" + der,
    "one byte less": lambda der: der[:-1],
}


def longest_signature(message: bytes) -> bytes:
    """One as long as there can be: what openssl passes over begins right behind it."""
    return next(der for der in (BOB.sign(message, "p384") for _ in range(200)) if len(der) == LONGEST)


@pytest.mark.parametrize("tail", TAILS)
def test_the_rules_take_a_p384_signature_of_its_own_length_only(tail: str) -> None:
    message = b"message\n"
    der = longest_signature(message)

    assert OpenSSL()("p384", BOB.spki("p384"), message, der)
    assert not OpenSSL()("p384", BOB.spki("p384"), message, TAILS[tail](der))


@pytest.mark.parametrize("tail", TAILS)
def test_a_bundle_with_a_p384_signature_of_another_length_is_refused_by_both(tail: str, bundle: Path) -> None:
    file = bundle / f"{SUMS}.bob.p384.sig"
    file.write_bytes(longest_signature((bundle / SUMS).read_bytes()))
    verify(bundle, trust(), asked(), OpenSSL())
    assert fault(run(bundle)) == "verified"
    file.write_bytes(TAILS[tail](file.read_bytes()))

    with pytest.raises(Refused) as why:
        verify(bundle, trust(), asked(), OpenSSL())

    assert why.value.fault is Fault.SIGNATURE
    assert fault(run(bundle)) in {"signature", "size"}


@pytest.mark.parametrize("tail", TAILS)
def test_a_link_of_trust_with_a_p384_signature_of_another_length_is_refused_by_both(tail: str, tmp_path: Path) -> None:
    content = str(replace(trust(), number=2)).encode()
    der = longest_signature(content)
    extra = {
        "trust/2.trust": content,
        "trust/2.trust.alice.ed25519.sig": ALICE.sign(content),
        "trust/2.trust.bob.p384.sig": TAILS[tail](der),
    }
    folder = Release(extra=extra).write(tmp_path / "bundle")

    with pytest.raises(Refused) as why:
        follow(trust(), folder / "trust", OpenSSL())

    assert why.value.fault is Fault.SIGNATURE
    assert fault(run(folder)) in {"signature", "size"}
