"""A backup is of one instant, whole or not there, and is checked to the last byte before anything of it is used."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pysqlite3 import dbapi2 as sqlite

from engine.backup.archive import ArchiveWriter, verified
from engine.backup.errors import BackupError
from engine.backup.instant import at_one_instant
from engine.backup.make import make_backup
from engine.backup.pinned import Pinned, edited
from engine.backup.restore import restore_backup
from engine.cli.main import run
from engine.log.record import RecordKind, Topic
from engine.log.retention import Keep
from engine.log.sqlite import SqliteLog
from tests.real_host import made


def silent(name: str, done: int, size: int) -> None:
    """Nobody looks."""


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A configuration whose host has run: a log with a few records."""
    config, _ = made(tmp_path / "site", capsys)
    with SqliteLog(tmp_path / "site/data") as log:
        for n in range(5):
            log.append(Topic.FRAMES, 0, RecordKind.TICK, b"%d" % n).result()
            log.append(Topic.ALERTS, 0, RecordKind.DATA, b"%d" % n).result()
        log.commit("outfall", {(Topic.ALERTS, 0): 2}).result()
    return config


def back_up(config: Path, to: Path, **options: Any) -> Any:
    return make_backup(config, config.parent / "data", to, **{"secrets": False, "log": True, "told": silent, **options})


def test_what_was_backed_up_is_restored_byte_by_byte_and_for_this_user_only(site: Path, tmp_path: Path) -> None:
    (site.parent / "data/sealed/reading").mkdir(parents=True)
    (site.parent / "data/sealed/reading/2026-03-01.parquet").write_bytes(bytes(range(256)) * 5000)
    done = back_up(site, tmp_path / "b.tar.zst")
    assert stat.S_IMODE(done.file.stat().st_mode) == 0o600
    assert done.bytes == done.file.stat().st_size
    restored = restore_backup(done.file, tmp_path / "new", silent)
    assert restored.config == tmp_path / "new/config.yaml"
    names = {str(file.relative_to(tmp_path / "new")) for file in (tmp_path / "new").rglob("*") if file.is_file()}
    assert names == {
        "config.yaml", "registry/district.yaml", "data/devices.json", "data/log.db",
        "data/sealed/reading/2026-03-01.parquet", "data/restored.json",
    }  # fmt: skip
    for name in names - {"data/log.db", "data/restored.json"}:
        assert (tmp_path / "new" / name).read_bytes() == (site.parent / name).read_bytes()
    with SqliteLog(tmp_path / "new/data") as log:
        assert [r.body for r in log.read(Topic.FRAMES, 0, 0, 10)] == [b"0", b"1", b"2", b"3", b"4"]
    assert run(["check", "-c", str(restored.config)], {}) == 0


def test_store_and_desk_go_on_where_they_were_when_their_files_were_taken(site: Path) -> None:
    with SqliteLog(site.parent / "data") as log, at_one_instant(site.parent / "data") as taken:
        log.append(Topic.ALERTS, 0, RecordKind.DATA, b"later").result()
        log.commit("outfall", {(Topic.ALERTS, 0): 5, (Topic.READINGS, 0): 0}).result()
        copy = site.parent / "copy.db"
        taken.databases[-1].copy_to(copy, lambda done, size: None)
        assert edited(copy, taken.edits(taken.databases[-1])) == ""
    (site.parent / "copied").mkdir()
    copy.rename(site.parent / "copied/log.db")
    with SqliteLog(site.parent / "copied") as log:
        assert log.committed("outfall") == {(Topic.ALERTS, 0): 2}
        assert log.span(Topic.ALERTS, 0).end == 5


def test_a_database_is_copied_as_it_stood_while_it_is_written(tmp_path: Path) -> None:
    with SqliteLog(tmp_path) as log:
        for _ in range(30):
            log.append(Topic.FRAMES, 0, RecordKind.TICK, b"x" * 1_000_000).result()
        steps = []

        def meanwhile(done: int, size: int) -> None:
            steps.append((done, size))
            log.append(Topic.FRAMES, 0, RecordKind.TICK, b"later").result()

        with Pinned(tmp_path / "log.db") as pinned:
            pinned.copy_to(tmp_path / "copy.db", meanwhile)
        assert len(steps) > 1
        assert log.end(Topic.FRAMES, 0) == 30 + len(steps)
    (rows,) = sqlite.connect(str(tmp_path / "copy.db")).execute("select count(*) from record").fetchone()
    assert rows == 30


def test_what_waits_in_the_outbox_is_marked_as_perhaps_sent(tmp_path: Path) -> None:
    with SqliteLog(tmp_path):
        pass
    db = sqlite.connect(str(tmp_path / "core.db"))
    db.execute("create table outbox (page_id, state, resends)")
    db.executemany("insert into outbox values (?, ?, 0)", [("a", "delivered"), ("b", "waiting"), ("c", "sending")])
    db.commit()
    with at_one_instant(tmp_path) as taken:
        core = taken.databases[0]
        core.copy_to(tmp_path / "copy.db", lambda done, size: None)
        edited(tmp_path / "copy.db", taken.edits(core))
    found = sqlite.connect(str(tmp_path / "copy.db")).execute("select page_id, resends from outbox").fetchall()
    assert found == [("a", 0), ("b", 1), ("c", 1)]


def test_a_log_that_forgot_what_a_stage_needs_is_not_backed_up(site: Path, tmp_path: Path) -> None:
    with SqliteLog(site.parent / "data") as log:
        log.retain(Keep(needed={(Topic.ALERTS, 0): 4}, older_than_ms=2**62))
        assert log.span(Topic.ALERTS, 0).first == 2
        log.run(lambda db: db.execute("update group_offset set next = 1")).result()
        with pytest.raises(BackupError, match=r"alerts/0 holds \[2, 5\), its stage goes on with 1; try again"):
            back_up(site, tmp_path / "b.tar.zst")
    assert [file.name for file in tmp_path.iterdir()] == ["site"]


def test_secrets_are_left_out_unless_asked_for_and_named(site: Path, tmp_path: Path) -> None:
    token = tmp_path / "site/token"
    token.write_text("swordfish")
    token.chmod(0o600)
    site.write_text(site.read_text("utf-8").replace("http: {port: 0}", "http: {port: 0, token_file: token}"), "utf-8")
    without, with_ = back_up(site, tmp_path / "a"), back_up(site, tmp_path / "b", secrets=True)
    assert (without.left_out, with_.left_out) == (("token",), ())
    assert restore_backup(without.file, tmp_path / "new-a", silent).left_out == ("token",)
    assert not (tmp_path / "new-a/token").exists()
    restore_backup(with_.file, tmp_path / "new-b", silent)
    assert (tmp_path / "new-b/token").read_text() == "swordfish"
    assert stat.S_IMODE((tmp_path / "new-b/token").stat().st_mode) == 0o600


def test_files_and_data_outside_the_configurations_folder_are_taken_and_named(site: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (site.parent / "registry").rename(elsewhere / "registry")
    (site.parent / "data").rename(elsewhere / "data")
    text = site.read_text("utf-8").replace("  - registry\n", "  - ../elsewhere/registry\n")
    site.write_text(text.replace("data: ./data", f"data: {elsewhere / 'data'}"), "utf-8")
    done = make_backup(site, elsewhere / "data", tmp_path / "b", secrets=False, log=True, told=silent)
    assert done.outside == (str(elsewhere / "registry/district.yaml"),)
    restored = restore_backup(done.file, tmp_path / "new", silent)
    assert restored.moved_from == str(elsewhere / "data")
    assert restored.data == tmp_path / "new/data"
    assert (restored.data / "log.db").exists()
    assert (tmp_path / f"new/outside{elsewhere}/registry/district.yaml").exists()


def test_links_keep_the_names_that_the_configuration_gives_them(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("registry", "data"):
        (site.parent / name).rename(tmp_path / f"real-{name}")
        (site.parent / name).symlink_to(tmp_path / f"real-{name}")
    monkeypatch.chdir(tmp_path / "real-data")
    config = Path("../site/config.yaml")
    done = back_up(config, tmp_path / "b")
    assert done.outside == ()
    restored = restore_backup(done.file, tmp_path / "new", silent)
    assert restored.moved_from == ""
    assert run(["check", "-c", str(restored.config)], {}) == 0
    assert (restored.data / "log.db").exists()


def planted(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(change(file.read_bytes())) and None


def turned(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


FAULTS = {
    "cut short": planted(lambda content: content[: len(content) - 400]),
    "cut to nothing": planted(lambda content: b""),
    "one byte turned": planted(turned),
    "something else": planted(lambda content: b"not a backup at all"),
}


@pytest.mark.parametrize("damage", FAULTS.values(), ids=FAULTS)
def test_a_damaged_backup_is_refused_before_anything_is_written(
    site: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file = back_up(site, tmp_path / "b").file
    damage(file)
    with pytest.raises(BackupError, match=str(file)):
        restore_backup(file, tmp_path / "new", silent)
    assert not list(tmp_path.glob("new*"))


def archive(file: Path, members: dict[str, bytes], claimed: dict[str, bytes] | None = None) -> None:
    """A backup with these members, whose manifest may say otherwise."""
    import io

    writer = ArchiveWriter(file.open("wb"))
    for name, content in members.items():
        writer.add(name, io.BytesIO(content), len(content))
    if claimed is not None:
        other = ArchiveWriter(file.with_name("other").open("wb"))
        for name, content in claimed.items():
            other.add(name, io.BytesIO(content), len(content))
        writer.members = other.members
    about = {"config": "config.yaml", "data": "data", "data_was": "", "at_ms": 0, "left_out": [], "outside": []}
    writer.end(about)


HOSTILE = {
    "a name that leads out": ({"data/../../escaped": b"x"}, "expected a plain file with a name inside the folder"),
    "an absolute name": ({"/tmp/escaped": b"x"}, "expected a plain file with a name inside the folder"),
    "a folder that is none of a backup": ({"etc/passwd": b"x"}, "expected a name in data/ or config/"),
}


@pytest.mark.parametrize(("members", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_backup_writes_nothing(tmp_path: Path, members: dict[str, bytes], words: str) -> None:
    archive(tmp_path / "b", members)
    with pytest.raises(BackupError, match=words):
        restore_backup(tmp_path / "b", tmp_path / "deep/er/new", silent)
    assert not list(tmp_path.rglob("escaped"))
    assert not list(tmp_path.rglob("new*"))


CLAIMS = {
    "another content": {"data/a": b"y", "data/b": b"x"},
    "one that is missing": {"data/a": b"x", "data/b": b"x", "data/c": b"x"},
    "one too many": {"data/a": b"x"},
}


@pytest.mark.parametrize("claimed", CLAIMS.values(), ids=CLAIMS)
def test_what_the_manifest_says_must_be_what_is_there(tmp_path: Path, claimed: dict[str, bytes]) -> None:
    archive(tmp_path / "b", {"data/a": b"x", "data/b": b"x"}, claimed)
    with pytest.raises(BackupError, match=r"not as it was made: data/[abc]"):
        verified(tmp_path / "b")


def test_nothing_that_exists_is_overwritten(site: Path, tmp_path: Path) -> None:
    file = back_up(site, tmp_path / "b").file
    with pytest.raises(BackupError, match="is there already and is left as it is"):
        back_up(site, file)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    with pytest.raises(BackupError, match="expected a directory that is empty or not there"):
        restore_backup(file, tmp_path / "full", silent)
    assert [f.name for f in (tmp_path / "full").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    assert restore_backup(file, tmp_path / "empty", silent).files > 3


def test_a_damaged_page_is_said_and_copied_as_it_is(site: Path, tmp_path: Path) -> None:
    with SqliteLog(site.parent / "data") as log:
        for n in range(200):
            log.append(Topic.FRAMES, 0, RecordKind.TICK, b"%3d" % n * 1000).result()
    file = site.parent / "data/log.db"
    content = bytearray(file.read_bytes())
    content[40 * 4096 : 40 * 4096 + 200] = bytes(200)
    file.write_bytes(content)
    done = back_up(site, tmp_path / "b")
    assert done.damaged and done.damaged[0].startswith("log.db: ")
    assert restore_backup(done.file, tmp_path / "new", silent).data.joinpath("log.db").exists()


def test_at_the_command_line_it_says_what_is_where_and_what_comes_next(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "b.tar.zst"
    assert run(["backup", "-c", str(site), str(file)], {}) == 0
    assert f"{file}: 0." in capsys.readouterr().out
    assert run(["backup", "-c", str(site), str(file), "--json"], {}) == 1
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "BackupError"
    assert run(["restore", str(file), "--to", str(tmp_path / "new"), "--lang", "zh"], {}) == 0
    assert f"outfall check -c {tmp_path / 'new/config.yaml'}" in capsys.readouterr().out
    assert run(["restore", str(file), "--to", str(tmp_path / "newer"), "--json"], {}) == 0
    assert json.loads(capsys.readouterr().out)["next"] == f"outfall check -c {tmp_path / 'newer/config.yaml'}"


def test_a_host_that_never_ran_has_nothing_to_back_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, _ = made(tmp_path / "site", capsys)
    assert run(["backup", "-c", str(config), str(tmp_path / "b")], {}) == 1
    assert "expected a data directory that has run at least once" in capsys.readouterr().err


def test_of_a_cluster_only_its_own_files_are_taken(site: Path, tmp_path: Path) -> None:
    done = back_up(site, tmp_path / "b", log=False)
    assert done.at_ms is None
    names = {member["name"] for member in verified(done.file)["files"]}
    assert names == {"data/devices.json", "config/config.yaml", "config/registry/district.yaml"}


