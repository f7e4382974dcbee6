"""From bytes to columns: compiled scanners that know when they are not sure, and the plain Python that then decides."""
