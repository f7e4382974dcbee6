"""The channels over which pages leave, one file each."""
