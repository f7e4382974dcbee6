"""Chaos on the whole stack: Mosquitto, Kafka, InfluxDB, PostgreSQL, the bridge and two workers, killed and frozen under load."""
