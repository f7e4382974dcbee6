"""How bad: from the multiple over the limit."""

import math

BANDS = (0.1, 0.5, 1.0, 2.0)  # multiples over the ceiling; penalty-discretion bands (domain practice)
USUAL = 3


def severity(value: float | None, ceiling: float | None) -> int:
    """1..5 by how far `value` lies over `ceiling` (below it: 1); 3 where there is no value or no ceiling.

    >>> [severity(v, 50.0) for v in (51, 55, 80, 120, 200)]
    [1, 2, 3, 4, 5]
    """
    if value is None or ceiling is None or math.isinf(ceiling):
        return USUAL
    multiple = round((value - ceiling) / ceiling, 9) if ceiling > 0 else math.inf
    return 1 + sum(multiple >= band for band in BANDS)
