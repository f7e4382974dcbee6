"""A recording by the live path: published over MQTT to a real host whose clock the recording drives."""
