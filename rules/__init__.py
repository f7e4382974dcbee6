"""Law and judgement: limits, validity, slot grids, verdicts. No I/O, no clock."""
