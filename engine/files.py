"""Names of files in a data directory that more than one part of the engine opens."""

CREDENTIALS = "devices.json"
"""Who may log in (`engine.intake.credentials`)."""

BRIDGES = "bridges"
"""What bridges must know after a crash (`engine.intake.bridge.memory`)."""

RESTORED = "restored.json"
"""That this directory was restored, and up to which log time (`engine.backup.restore`)."""

INTAKE_REFUSALS = "intake_refusals.jsonl"
"""What the intake turned away at the door (`IntakeSettings.refusals`)."""
