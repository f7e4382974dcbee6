"""The simulated field: monitors that make HJ 212 frames for any span of time, and what may happen to them."""
