"""Promises of the generated secrets: private, made once, different from each other."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.credentials import Credentials


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert Credentials(folder).password("one") == Credentials(folder).password("one")
    assert Credentials(folder).password("one") != Credentials(folder).password("two")


def test_two_makers_at_once_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: Credentials(tmp_path).password("shared"), range(64)))
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    Credentials(folder).password("one")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "one").stat().st_mode) == 0o600


def test_the_identity_key_is_an_ed25519_private_key(tmp_path: Path) -> None:
    pem = Credentials(tmp_path).identity_key().read_bytes()
    assert isinstance(load_pem_private_key(pem, None), Ed25519PrivateKey)


def test_only_looking_makes_nothing(tmp_path: Path) -> None:
    assert Credentials(tmp_path / "secrets", only_look=True).password("one") == ""
    assert not (tmp_path / "secrets").exists()
