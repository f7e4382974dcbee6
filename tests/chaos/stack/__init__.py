"""Chaos on the whole stack: four servers, the bridge and two workers, killed and frozen in turn under load."""
