"""The demo: a simulated district, a scripted story, the real pipeline, a live board and an account."""
