"""`outfall doctor`: looks at a running system, and says what it saw, why it matters and what to do."""
