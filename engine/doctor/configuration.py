"""What `outfall check` warns of is a finding too."""

from collections.abc import Iterable, Iterator

from engine.config.problem import Problem
from engine.doctor.finding import Finding, error, good, warning
from engine.doctor.patient import Patient
from engine.texts import Texts


def configuration_findings(patient: Patient, say: Texts) -> Iterator[Finding]:
    """A configuration that can be used, and what in it should be meant."""
    config = patient.config
    yield good("configuration_read", config.file, outlets=len(config.registry.outlets), rules=len(config.rules.rules))
    for problem in config.warnings:
        yield warning("configuration_warning", problem.place, text=problem.text(say))


def problem_findings(problems: Iterable[Problem], say: Texts) -> Iterator[Finding]:
    """A configuration that cannot be used: nothing else can be looked at."""
    for problem in problems:
        yield error("configuration_wrong", problem.place, text=problem.text(say))
