"""The credentials file: secrets shown once, hashes kept, other writers respected, bad files refused by name."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.intake.credentials import Credentials, CredentialsError
from tests.intake_rig import GATEWAY, MN, OTHER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "devices.json"


def test_the_secret_lets_in_and_nothing_else_does(path: Path) -> None:
    secret = Credentials(path).add(MN)
    opened = Credentials(path)
    assert opened.verify(MN, secret.encode())
    for name, tried in [(MN, ""), (MN, secret + "x"), (MN, secret[:-1]), (OTHER, secret), ("", ""), ("", secret)]:
        assert opened.verify(name, tried.encode()) is None


def test_the_file_is_for_its_owner_only_and_holds_no_secret(path: Path) -> None:
    secret = Credentials(path).add(MN)
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret not in path.read_text()


def test_a_device_speaks_for_itself_and_a_gateway_for_its_list(path: Path) -> None:
    credentials = Credentials(path)
    credentials.add(MN)
    credentials.add(GATEWAY, mns=[MN, OTHER])
    logins = credentials.logins()
    assert (logins[MN].mns, logins[MN].is_gateway) == (frozenset({MN}), False)
    assert (logins[GATEWAY].mns, logins[GATEWAY].is_gateway) == (frozenset({MN, OTHER}), True)


def test_a_new_secret_ends_the_old_one(path: Path) -> None:
    credentials = Credentials(path)
    old, new = credentials.add(MN), credentials.add(MN)
    assert credentials.verify(MN, new.encode())
    assert credentials.verify(MN, old.encode()) is None


def test_a_change_by_another_process_is_seen_at_the_next_look(path: Path) -> None:
    reader, writer = Credentials(path), Credentials(path)
    assert reader.logins() == {}
    writer.add(MN)
    assert set(reader.logins()) == {MN}
    version = reader.version
    assert reader.login(MN)
    assert reader.version == version  # not read again while it stays the same
    assert writer.remove(MN)
    assert not writer.remove(MN)
    assert reader.logins() == {}


def test_many_writers_at_once_lose_nothing(path: Path) -> None:
    names = [f"MN{n}" for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda name: Credentials(path).add(name), names))
    opened = Credentials(path)
    assert all(opened.verify(name, secret.encode()) for name, secret in zip(names, secrets, strict=True))


@pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "a b", "中", "x" * 65, "a\n"])
def test_a_name_that_cannot_stand_in_a_topic_is_refused(path: Path, name: str) -> None:
    with pytest.raises(CredentialsError, match="cannot stand in a topic"):
        Credentials(path).add(name)
    with pytest.raises(CredentialsError, match="cannot stand in a topic"):
        Credentials(path).add(GATEWAY, mns=[name])
    assert not path.exists()


BAD = {
    "not JSON": b"{",
    "JSON of another kind": b"[1]",
    "no logins": b"{}",
    "a row without its hash": b'{"logins":{"A":{"mns":[],"salt":""}}}',
    "a hash that is not hex": b'{"logins":{"A":{"mns":[],"salt":"","sha256":"zz"}}}',
    "a row of another type": b'{"logins":{"A":7}}',
    "logins of another type": b'{"logins":[]}',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_a_file_that_is_something_else_is_named_and_refused(path: Path, body: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(body)
    with pytest.raises(CredentialsError, match=r"devices\.json: expected the credentials file of outfall"):
        Credentials(path).logins()


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    Credentials(path).add(MN)
    path.chmod(0o644)
    with pytest.raises(CredentialsError, match=r"devices\.json: mode is 644, expected 600"):
        Credentials(path).logins()


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CredentialsError, match=r"file/devices\.json: cannot write the credentials"):
        Credentials(tmp_path / "file" / "devices.json").add(MN)


def test_a_write_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    Credentials(path).add(MN)
    before = path.read_bytes()
    with pytest.raises(CredentialsError):
        Credentials(path).add_many({OTHER: (), "a/b": ()})
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["devices.json", "devices.json.lock"]
