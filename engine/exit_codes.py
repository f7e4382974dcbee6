"""How a process of Outfall ends. A supervisor may restart it on any code but USAGE, CONFIG and IN_USE."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a process."""

    OK = 0  # done, or stopped in order
    FAILED = 1  # it ran, and what it checked is not so
    USAGE = 2  # the command line
    CONFIG = 3  # the configuration, the registry or the rules
    IN_USE = 10  # another process works on the data directory
    LOG = 11  # the log cannot be opened, or can no longer be written
    INTAKE = 12  # the intake cannot listen, or ended by itself
    DETECT = 13  # the judge's stage ended by itself
    STORE = 14
    DUTY = 15
    HOST = 16  # Faust, the ticker or another part of the host ended by itself
    FENCED = 17  # other workers have taken over its partitions while it could not be heard
    STALLED = 18  # its log grows and it finishes nothing, for no reason that it knows
    INTERRUPTED = 130  # ended at once by the second Ctrl-C
    TERMINATED = 143  # ended at once by the second SIGTERM
