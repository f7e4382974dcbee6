"""The register as people write it: YAML and CSV files in, one registry and its limits out, or every error at once."""
