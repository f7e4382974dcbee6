"""What is wrong with a configuration: each with its place, the expectation, the value and the nearest valid name."""

from pathlib import Path

import pytest

from engine.config.load import load_config
from engine.config.problem import BadFile
from engine.texts import Texts

REGISTRY = """
enterprises:
  - id: e
    outlets:
      - id: ww
        medium: water
        monitors: [{mn: 010000A8900016F000169DC0}]
        factors: [w00000, w01018]
        limits: [{factor: w01018, averaging: day, ceiling: 50, weighting: flow}]
"""
CONFIG = """data: ./data
registry: [registry.yaml]
judging: {zone: Asia/Shanghai}
rules:
  - {id: day, kind: exceedance, averaging: day}
  - {id: dead, kind: offline, silence_s: 600}
duty:
  people: [{id: li}, {id: wang}]
  shifts:
    - {id: squad, squads: [[li], [wang]], anchor: 2026-01-01 08:00}
  channels: [{name: screen, kind: terminal}]
"""


def problems_of(folder: Path, text: str) -> list[str]:
    """Every problem of a configuration, as printed; [] where there is none."""
    (folder / "registry.yaml").write_text(REGISTRY)
    (folder / "config.yaml").write_text(text)
    try:
        load_config(folder / "config.yaml")
    except BadFile as error:
        return [p.text(Texts(lang="en")).removeprefix(f"{folder}/") for p in error.problems]
    return []


def test_the_base_of_these_examples_is_right(tmp_path: Path) -> None:
    assert problems_of(tmp_path, CONFIG) == []


CASES = {
    "a password in the address of the database": (
        "judging: {zone: Asia/Shanghai}", "database: {url: 'postgresql://outfall:swordfish@db/outfall'}",
        "config.yaml:3:17: database.url: a password stands in the address: put it into a file and name that in "
        "database.password_file",
    ),
    "an address of no database": (
        "judging: {zone: Asia/Shanghai}", "database: {url: 'mysql://outfall@db/outfall'}",
        "config.yaml:3:17: database.url: expected postgresql://user@host:port/database, got 'mysql://outfall@db/outfall'",
    ),
    "a log on Kafka without a database that workers share": (
        "judging: {zone: Asia/Shanghai}", "host: {log: kafka}\nkafka: {servers: ['k:9092'], replication: 3}",
        "config.yaml:3:13: host.log: host.log is kafka: expected a section database, which all workers share",
    ),
    "a number below its bound": (
        "silence_s: 600", "silence_s: -1",
        "config.yaml:6:42: rules[1].silence_s: expected more than 0 s, got -1",
    ),
    "a word nobody knows, with the nearest one": (
        "silence_s: 600", "silense_s: 600",
        "config.yaml:6:31: rules[1].silense_s: unknown word 'silense_s'; valid here: silence_s?",
    ),
    "a word of another kind of rule": (
        "silence_s: 600", "in_a_row: 3",
        "config.yaml:6:31: rules[1].in_a_row: unknown word 'in_a_row'; valid here: id, alert_class, select, severity, "
        "text_zh, text_en, kind, silence_s",
    ),
    "a kind nobody knows": (
        "kind: offline", "kind: ofline",
        "config.yaml:6:22: rules[1].kind: unknown value 'ofline'; valid: offline?",
    ),
    "a rule without a kind": (
        "kind: offline, ", "",
        "config.yaml:6:5: rules[1].kind: missing: expected a value",
    ),
    "a word where a number belongs": (
        "silence_s: 600", "silence_s: soon",
        "config.yaml:6:42: rules[1].silence_s: expected a whole number s, got 'soon'",
    ),
    "an early warning that claims to be law": (
        "id: dead, kind: offline", "id: dead, kind: offline, alert_class: legal",
        "config.yaml:6:44: rules[1].alert_class: unknown value 'legal'; valid: integrity",
    ),
    "an id used twice": (
        "id: dead", "id: day",
        "config.yaml:6:10: rules[1].id: 'day' is there already, at DIR/config.yaml:5:10",
    ),
    "a rule that selects no limit": (
        "averaging: day}", "averaging: hour}",
        "config.yaml:5:5: rules[0]: the rule selects nothing: no limit of the registry has this form, averaging time "
        "and selection",
    ),
    "a rule that selects no monitor": (
        "silence_s: 600", "select: {mediums: [gas]}",
        "config.yaml:6:5: rules[1]: the rule selects nothing: no monitor speaks for an outlet that it selects",
    ),
    "a rule for an outlet nobody registered": (
        "silence_s: 600", "select: {outlets: [w]}",
        "config.yaml:6:50: rules[1].select.outlets[0]: no outlet 'w'; known: ww?",
    ),
    "a rule for a factor nobody knows": (
        "averaging: day}", "averaging: day, select: {factors: [w1018]}}",
        "config.yaml:5:68: rules[0].select.factors[0]: no factor 'w1018' in HJ 212-2017; known: w01018?",
    ),
    "patience beyond the bound for late data": (
        "{zone: Asia/Shanghai}", "{patience_hour_s: 180000}",
        "config.yaml:3:28: judging.patience_hour_s: 180000 s of patience is not less than the late bound of 48 h: late "
        "data would be refused before anything is judged",
    ),
    "a bound for late data that is too short for days": (
        "{zone: Asia/Shanghai}", "{late_bound_h: 12}",
        "config.yaml:3:25: judging.late_bound_h: 12 h is too short for days: a day's first reading must still be taken "
        "when the day is judged, expected at least 26 h",
    ),
    "a zone nobody knows": (
        "Asia/Shanghai", "Asia/Shanghia",
        "config.yaml:3:17: judging.zone: time zone 'Asia/Shanghia' is not known: expected one such as Asia/Shanghai",
    ),
    "a zone of half hours": (
        "Asia/Shanghai", "Asia/Kolkata",
        "config.yaml:3:17: judging.zone: time zone 'Asia/Kolkata' is not whole hours from UTC: hours of its days are "
        "not hours of the log",
    ),
    "somebody on duty whom nobody knows": (
        "[wang]]", "[wnag]]",
        "config.yaml:10:35: duty.shifts[0].squads[1][0]: no person 'wnag'; known: wang?",
    ),
    "a person's channel that is not there": (
        "{id: wang}", "{id: wang, channels: [scren]}",
        "config.yaml:8:44: duty.people[1].channels[0]: no channel 'scren'; known: screen?",
    ),
    "people and channels but nobody on duty": (
        "  shifts:\n    - {id: squad, squads: [[li], [wang]], anchor: 2026-01-01 08:00}\n", "",
        "config.yaml:8:11: duty.people: nobody is ever on duty: expected at least one entry in duty.shifts",
    ),
    "a webhook without a secret": (
        "{name: screen, kind: terminal}", "{name: hook, kind: webhook, url: http://h/}",
        "config.yaml:11:14: duty.channels[0].secret_file: missing: expected a value",
    ),
    "a webhook whose secret is not there": (
        "{name: screen, kind: terminal}", "{name: hook, kind: webhook, url: http://h/, secret_file: gone}",
        "config.yaml:11:71: duty.channels[0].secret_file: the secret cannot be read from DIR/gone: No such file or "
        "directory",
    ),
    "a webhook without a scheme, and slower than its lease": (
        "{name: screen, kind: terminal}",
        "{name: hook, kind: webhook, url: h, secret_file: config.yaml, timeout_s: 60}",
        "config.yaml:11:47: duty.channels[0].url: 'h' is not an address: expected http://... or https://...",
        "config.yaml:11:63: duty.channels[0].secret_file: others can read DIR/config.yaml (mode 644): chmod 600",
        "config.yaml:11:87: duty.channels[0].timeout_s: 60.0 s is not less than duty.sending.lease_s (60.0 s): a page "
        "under way would be sent again",
    ),
    "two listeners on one port": (
        "duty:", "intake: {listeners: [{port: 1883}, {host: 0.0.0.0, port: 1883}]}\nduty:",
        "config.yaml:7:58: intake.listeners[1].port: port 1883 is taken by another listener, at DIR/config.yaml:7:29",
    ),
    "a certificate that is not there": (
        "duty:", "intake: {listeners: [{tls: {cert: c.pem, key: k.pem}}]}\nduty:",
        "config.yaml:7:35: intake.listeners[0].tls.cert: no such file: c.pem",
        "config.yaml:7:47: intake.listeners[0].tls.key: no such file: k.pem",
    ),
    "no way in at all": (
        "duty:", "intake: {listeners: []}\nduty:",
        "config.yaml:7:21: intake.listeners: no way in: expected at least one listener, or a bridge",
    ),
    "two bridges of one name, and one of none": (
        "duty:", "intake: {bridges: [{user: a}, {client_id: a}, {port: 1}]}\nduty:",
        "config.yaml:7:31: intake.bridges[1]: client id 'a' is taken by another bridge, at DIR/config.yaml:7:20: they would "
        "throw each other out",
        "config.yaml:7:47: intake.bridges[2]: expected client_id, or a user whose name it takes: the broker keeps a session "
        "under it",
    ),
    "a bridge with the name of a monitor, half a certificate and a topic without an MN": (
        "duty:", "intake: {bridges: [{client_id: 010000A8900016F000169DC0, tls: {cert: config.yaml}, topic: a/b}]}\nduty:",
        "config.yaml:7:20: intake.bridges[0]: client id '010000A8900016F000169DC0' is a monitor's MN: what it brings would "
        "count as that monitor's",
        "config.yaml:7:63: intake.bridges[0].tls: expected cert and key together, or neither",
        "config.yaml:7:91: intake.bridges[0].topic: 'a/b': expected a topic with one level + where the MN stands, without # "
        "and $",
    ),
    "a pack nobody knows": (
        "rules:", "rule_packs: [cores]\nrules:",
        "config.yaml:4:14: rule_packs[0]: no rule pack 'cores'; known: core?",
    ),
    "days sealed before late data is refused": (
        "duty:", "store: {recent_h: 24}\nduty:",
        "config.yaml:7:19: store.recent_h: 24 h is not more than judging.late_bound_h (48 h): late data would meet a "
        "sealed day",
    ),
    "a registry that is not there": (
        "[registry.yaml]", "[gone.yaml]",
        "gone.yaml: cannot be read: No such file or directory",
    ),
    "a day that is a number": (
        "2026-01-01 08:00", "20260101",
        "config.yaml:10:51: duty.shifts[0].anchor: '20260101' is not a time of day: expected one such as 2026-01-31 "
        "08:00",
    ),
    "the same word twice": (
        "data: ./data", "data: ./data\ndata: ./other",
        "config.yaml:2:1: data: 'data' is written twice",
    ),
    "an alias": (
        "[[li], [wang]]", "[&a [li], *a]",
        "config.yaml:10:28: duty.shifts[0].squads[1]: an alias (*name): expected the values written out",
    ),
    "no YAML at all": (
        "data: ./data", "data: [",
        "config.yaml:3:1: is not YAML: did not find expected ',' or ']'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), [(c[0], c[1], c[2:]) for c in CASES.values()], ids=CASES)
def test_it_names_place_value_and_expectation(tmp_path: Path, old: str, new: str, expected: tuple[str, ...]) -> None:
    assert old in CONFIG
    found = [text.replace(str(tmp_path), "DIR") for text in problems_of(tmp_path, CONFIG.replace(old, new))]
    assert found == list(expected)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = CONFIG.replace("silence_s: 600", "silence_s: -1").replace("[wang]]", "[wnag]]")
    text = text.replace("{zone: Asia/Shanghai}", "{late_bound_h: 12, o2: 19}").replace("id: day", "id: a b")
    found = problems_of(tmp_path, text)
    assert [line.split(": ")[1] for line in found] == [
        "judging.late_bound_h", "judging.o2", "rules[0].id", "rules[1].silence_s", "duty.shifts[0].squads[1][0]"
    ]  # fmt: skip


def test_every_problem_has_its_text_in_both_languages(tmp_path: Path) -> None:
    (tmp_path / "registry.yaml").write_text(REGISTRY)
    (tmp_path / "config.yaml").write_text(CONFIG.replace("silence_s: 600", "silence_s: -1"))
    with pytest.raises(BadFile) as caught:
        load_config(tmp_path / "config.yaml")
    assert caught.value.problems[0].text(Texts(lang="zh")).endswith("rules[1].silence_s: 应大于 0 s，实际为 -1")


def test_a_listener_that_others_can_reach_without_tls_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "registry.yaml").write_text(REGISTRY)
    (tmp_path / "config.yaml").write_text("intake: {anonymous: true, listeners: [{host: 0.0.0.0}]}\n" + CONFIG)
    warnings = load_config(tmp_path / "config.yaml").warnings
    assert [w.key for w in warnings] == ["plain_outside", "anonymous_outside"]


def test_a_broker_elsewhere_without_tls_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "registry.yaml").write_text(REGISTRY)
    (tmp_path / "config.yaml").write_text("intake: {bridges: [{host: 10.0.0.9, user: a}, {user: b}]}\n" + CONFIG)
    (warning,) = load_config(tmp_path / "config.yaml").warnings
    assert warning.key == "plain_broker"
