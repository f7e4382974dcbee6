"""The configuration: one YAML file, checked as a whole, every error with its place."""
