"""What is measured, where, and how it arrives as bytes. No I/O, no clock."""
