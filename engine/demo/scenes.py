"""What became of the story: which of the promised alerts came, and which came that nobody promised. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.demo.story import MINUTE_MS, START_MS, STORY, Expected, Scene
from rules.alert import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLife:
    """One alert as the database holds it."""

    alert_id: str
    rule: str
    outlet: str
    factor: str
    steps: tuple[tuple[Step, int], ...]  # (step, log time)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneResult:
    """What became of one scene."""

    scene: Scene
    played: bool  # to its end
    missing: tuple[str, ...]  # what it promised and did not come


def scene_results(alerts: Sequence[AlertLife], now_ms: int, step_s: int) -> tuple[SceneResult, ...]:
    """Every scene; those that were not played to their end by `now_ms` owe nothing.

    What is sent in a step has the log time of its end, so alerts may come later by a step of `step_s`.
    """
    minute, slack = (now_ms - START_MS) / MINUTE_MS, max(1.0, step_s / 60)
    return tuple(_result(scene, alerts, minute, slack) for scene in STORY)


def surprises(alerts: Sequence[AlertLife]) -> tuple[str, ...]:
    """Alerts that no scene promises, come twice, or have more steps than promised."""
    promised = {(e.rule, e.outlet, e.factor): len(e.steps) for scene in STORY for e in scene.expected}
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for alert in alerts:
        about = alert.rule, alert.outlet, alert.factor
        seen[about] += 1
        if seen[about] > 1 or len(alert.steps) > promised.get(about, 0):
            found.append(_name(*about, [step for step, _ in alert.steps]))
    return tuple(found)


def _result(scene: Scene, alerts: Sequence[AlertLife], minute: float, slack: float) -> SceneResult:
    if minute < scene.end + slack - 1:
        return SceneResult(scene=scene, played=False, missing=())
    missing = tuple(
        _name(e.rule, e.outlet, e.factor, [step for step, _ in e.steps])
        for e in scene.expected
        if not any(_is(e, alert, slack) for alert in alerts)
    )
    return SceneResult(scene=scene, played=True, missing=missing)


def _is(expected: Expected, alert: AlertLife, slack: float) -> bool:
    """Whether this is the alert, with its steps in order and none of them too late."""
    about = (alert.rule, alert.outlet, alert.factor) == (expected.rule, expected.outlet, expected.factor)
    if not about or len(alert.steps) < len(expected.steps):
        return False
    return all(
        step is wanted and (at_ms - START_MS) / MINUTE_MS < by + slack
        for (step, at_ms), (wanted, by) in zip(alert.steps, expected.steps, strict=False)
    )


def _name(rule: str, outlet: str, factor: str, steps: Sequence[Step]) -> str:
    about = " ".join(part for part in (rule, outlet, factor) if part)
    return f"{about}: {', '.join(step.value for step in steps)}"
