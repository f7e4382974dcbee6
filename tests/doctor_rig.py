"""A patient for the doctor: the example's configuration with parts changed, and what is found of it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.cli.main import run
from engine.config.doc import Config
from engine.config.load import load_config
from engine.doctor.finding import Finding
from engine.doctor.patient import Patient
from engine.texts import LANGS, Texts


def example(folder: Path) -> Path:
    """What `outfall init` makes."""
    assert run(["init", str(folder), "--json"], {}) == 0
    return folder / "config.yaml"


def config_of(folder: Path, **changed: Any) -> Config:
    """The example's configuration; parts of it changed."""
    return replace(load_config(example(folder)), **changed)


def found(check: Callable[[Patient], Iterable[Finding]], patient: Patient) -> dict[str, str]:
    """Check -> severity; every text of every finding can be made in both languages."""
    findings = list(check(patient))
    for finding in findings:
        for lang in LANGS:
            assert finding.saw(Texts(lang=lang))
            assert bool(finding.why(Texts(lang=lang))) == bool(finding.fix(Texts(lang=lang))) == (finding.severity != "good")
    return {finding.check: finding.severity.value for finding in findings}
