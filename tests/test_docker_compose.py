"""docker/compose.yaml: nothing is open to others, no password stands in it, everything is watched and bounded."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.config.load import load_config

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"
TEXT = (DOCKER / "compose.yaml").read_text("utf-8")
STACK: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
ONE_SHOT = ("passwords", "influx-setup")
LASTING = tuple(name for name in SERVICES if name not in ONE_SHOT)
OUTFALL = ("intake", "worker-1", "worker-2")
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def mounts(name: str) -> Iterator[tuple[str, str, bool]]:
    """(what is mounted, where, only to be read) of a service."""
    for entry in SERVICES[name].get("volumes", ()):
        source, _, rest = VARIABLE.sub(lambda found: found[2], entry).partition(":")
        target, _, mode = rest.partition(":")
        yield source, target, mode == "ro"


@pytest.mark.parametrize("name", LASTING)
def test_a_service_is_watched_bounded_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["logging"]["options"]["max-size"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_until_what_it_needs_is_well(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how == {"condition": wanted}


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_open_to_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_no_password_stands_in_the_file(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if re.search("PASSWORD|SECRET|TOKEN|KEY", key):
            assert key.endswith("_FILE") and str(value).startswith("/run/secrets/"), key


@pytest.mark.parametrize("name", LASTING)
def test_secrets_are_read_and_only_by_whom_they_are_for(name: str) -> None:
    reads = {source: only_read for source, _, only_read in mounts(name) if source.startswith("secrets-")}
    own = {"secrets-outfall"} if name in OUTFALL else {f"secrets-{name}"}
    assert set(reads) <= own
    assert all(reads.values())


@pytest.mark.parametrize("name", OUTFALL)
def test_a_process_of_outfall_can_change_nothing_but_its_data(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "user" not in service  # the image's own, which is not root
    assert {target for _, target, only_read in mounts(name) if not only_read} == {"/var/lib/outfall", "/var/cache/outfall"}


def test_every_volume_and_network_is_declared_and_used() -> None:
    volumes = {source for name in SERVICES for source, _, _ in mounts(name) if "/" not in source}
    assert volumes == set(STACK["volumes"])
    networks = {network for service in SERVICES.values() for network in service.get("networks", ())}
    assert networks == set(STACK["networks"])


def test_what_is_mounted_from_the_project_is_there() -> None:
    sources = {source for name in SERVICES for source, _, _ in mounts(name) if "/" in source}
    assert all((DOCKER / source).exists() for source in sources), sources


def test_no_service_but_the_workers_and_the_doors_reaches_outside() -> None:
    inner = {name for name, network in STACK["networks"].items() if (network or {}).get("internal")}
    outside = {name for name, service in SERVICES.items() if set(service.get("networks", ())) - inner}
    assert outside == {"mosquitto", "intake", "worker-1", "worker-2", "grafana"}
    assert [name for name, service in SERVICES.items() if "alone" in service["networks"]] == ["passwords"]


def test_every_variable_has_a_default_and_its_heading() -> None:
    pages = (ROOT / "docs/docker.md").read_text("utf-8")
    for name, default in VARIABLE.findall(TEXT):
        assert default, name
        assert re.search(rf"^### `{name}`$", pages, re.MULTILINE), name


def test_images_are_named_by_variables() -> None:
    assert all(VARIABLE.fullmatch(service["image"]) for service in SERVICES.values())


def test_the_stand_ins_stand_in_for_every_image_but_grafana() -> None:
    names = {VARIABLE.fullmatch(service["image"])[1] for service in SERVICES.values()}  # type: ignore[index]
    lines = (DOCKER / "standins/standins.env").read_text("utf-8").splitlines()
    assert {line.partition("=")[0] for line in lines if not line.startswith("#")} == names - {"GRAFANA_IMAGE"}


def test_mosquitto_gets_the_two_lines_that_differ_between_containers() -> None:
    shipped = (DOCKER / "mosquitto/mosquitto.conf").read_text("utf-8")
    edits = re.findall(r"s\|\^(\w[^|]*)\|([^|]+)\|", (DOCKER / "mosquitto/start.sh").read_text("utf-8"))
    assert len(edits) == 2
    for pattern, line in edits:
        (found,) = re.findall(rf"^{pattern}$", shipped, re.MULTILINE)
        assert found != line


def test_the_dashboards_read_the_bucket_that_the_first_start_makes() -> None:
    source = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/influxdb.yaml").read_text("utf-8"))["datasources"][0]
    assert (source["jsonData"]["organization"], source["jsonData"]["defaultBucket"]) == ("outfall", "outfall")
    assert source["secureJsonData"] == {"token": "$__file{/run/secrets/grafana/influx}"}


def test_the_configuration_is_good_once_the_secrets_are_made(tmp_path: Path) -> None:
    text = (DOCKER / "config.yaml").read_text("utf-8")
    secrets = set(re.findall(r"/run/secrets/outfall/(\w+)", text))
    assert secrets == {"postgres", "bridge", "influx"}  # what docker/first_run makes for Outfall
    for name in secrets:
        (tmp_path / name).write_text("made\n")
        (tmp_path / name).chmod(0o400)
    (tmp_path / "registry").symlink_to(ROOT / "registry")
    (tmp_path / "config.yaml").write_text(text.replace("/run/secrets/outfall", str(tmp_path)), "utf-8")
    config = load_config(tmp_path / "config.yaml")
    assert str(config.host.data) == "/var/lib/outfall"
    assert {warning.key for warning in config.warnings} <= {"plain_outside", "plain_broker", "one_replica"}
