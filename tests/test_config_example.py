"""config.yaml and registry/ at the top of the project work as they stand, and with everything switched on."""

import re
from pathlib import Path

import pytest

from engine.backup.files import config_files
from engine.config.load import load_config
from engine.duty.settings import Policy, Secret
from engine.intake.settings import IntakeSettings
from engine.redaction import secrets_in
from rules.rule import Judging, RuleKind

ROOT = Path(__file__).parent.parent
SWITCHED_OFF = re.compile(r"^( *)#(?=[a-z-]|  +[a-z-])", re.MULTILINE)


@pytest.fixture
def all_on(tmp_path: Path) -> Path:
    """A copy of the example in which every setting is used, with the files that it then needs."""
    (tmp_path / "registry").symlink_to(ROOT / "registry")
    text = SWITCHED_OFF.sub(r"\1", (ROOT / "config.yaml").read_text("utf-8"))
    (tmp_path / "config.yaml").write_text(text.replace("  - standards/db32-1072.yaml", "  []"), "utf-8")
    secrets = ("secrets/influx", "secrets/webhook", "secrets/http", "secrets/postgres", "secrets/bridge")
    for name in ("tls/cert.pem", "tls/key.pem", *secrets):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("swordfish\n")
        (tmp_path / name).chmod(0o600)
    return tmp_path / "config.yaml"


def test_the_example_works_as_it_stands() -> None:
    config = load_config(ROOT / "config.yaml")
    assert [e.id for e in config.registry.enterprises] == ["beicheng", "rongfa", "redian"]
    assert {rule.kind for rule in config.rules.rules} == set(RuleKind)
    assert config.warnings == ()


def test_every_part_of_the_example_that_is_switched_off_is_right(all_on: Path) -> None:
    config = load_config(all_on)
    assert config.host.retain_days == 365
    assert [listener.port for listener in config.listeners] == [1883, 8883]
    assert [(bridge.client_id, bridge.user) for bridge in config.bridges] == [("outfall-bridge", "outfall-bridge")]
    assert config.influx is not None
    assert config.influx.token == config.duty.channels[1].secret == Secret("swordfish")
    assert config.duty.roster.overrides[0].add == "wang"


def test_settings_that_are_switched_off_show_their_defaults(all_on: Path) -> None:
    config = load_config(all_on)
    assert config.rules.judging == Judging()
    assert config.duty.policy == Policy()
    first = config.listeners[0]
    assert first == IntakeSettings()


def test_a_rule_with_the_id_of_a_packs_rule_takes_its_place() -> None:
    rules = load_config(ROOT / "config.yaml").rules.rules
    assert [(r.silence_s, r.severity) for r in rules if r.kind is RuleKind.OFFLINE] == [(1800, 4)]


def test_the_permit_holds_before_the_standard_and_only_while_it_is_valid() -> None:
    limits = load_config(ROOT / "config.yaml").rules.limits
    cod = sorted((x.valid_from_ms, x.ceiling) for x in limits if x.outlet == "beicheng-out" and x.factor == "w01018")
    assert [ceiling for _, ceiling in cod] == [50.0, 40.0, 50.0]


def test_the_copy_that_init_hands_out_is_this_one() -> None:
    example = ROOT / "engine/config/example"
    assert (example / "config.yaml").read_text("utf-8") == (ROOT / "config.yaml").read_text("utf-8")


def test_every_secret_that_a_configuration_names_is_known_to_what_keeps_secrets_out_of_the_log(all_on: Path) -> None:
    files = [file.path for file in config_files(all_on) if file.secret and file.path.suffix != ".pem"]
    for file in files:
        file.write_text(f"secret of {file.name}")
    assert len(files) >= 3
    known = {secret.reveal() for secret in secrets_in(load_config(all_on))}
    assert known == {f"secret of {file.name}" for file in files}
