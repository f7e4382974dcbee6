"""Everything that touches the world: log, intake, hosts, stores, duty, replay, command line."""
