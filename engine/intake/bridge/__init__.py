"""The bridge: readings that a Mosquitto or EMQX has taken from monitors, acknowledged to it when the log has them."""
