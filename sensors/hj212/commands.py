"""The commands (CN) of the three editions: which carry readings, which are answered, which are only noted."""

from sensors.reading import Kind

KINDS = {2011: Kind.REALTIME, 2051: Kind.MINUTE, 2061: Kind.HOUR, 2031: Kind.DAY}
"""Commands that carry readings. DataTime is the instant (2011) or the start of the period (HJ 212-2017 table 4)."""

VALUE_FIELD = {Kind.REALTIME: "Rtd", Kind.MINUTE: "Avg", Kind.HOUR: "Avg", Kind.DAY: "Avg"}
"""Which field of a factor is its reading; all others stay in the frame."""

NOTIFY_ANSWER = 9013
DATA_ANSWER = 9014
ANSWERS = {9011, 9012, NOTIFY_ANSWER, DATA_ANSWER}
"""Answers are read strictly: they decide what the host does next."""

MEANING = {
    1000: "set timeout and re-sends",
    1001: "upload hardware numbers (2025)",
    1002: "set MN (2025)",
    1011: "device time",
    1012: "set device time",
    1013: "ask for time calibration",
    1014: "new key (2025)",
    1021: "get alarm limits (2005)",
    1022: "set alarm limits (2005)",
    1031: "get alarm target (2005)",
    1032: "set alarm target (2005)",
    1041: "get report time (2005)",
    1042: "set report time (2005)",
    1061: "get real-time interval",
    1062: "set real-time interval",
    1063: "get minute interval",
    1064: "set minute interval",
    1072: "set password",
    2011: "real-time data",
    2012: "stop real-time data",
    2013: "raw periodic data (2025)",
    2021: "facility state",
    2022: "stop facility state",
    2031: "day data",
    2041: "facility run time of a day",
    2051: "minute data",
    2052: "single noise (2025)",
    2061: "hour data",
    2062: "automatic standard check (2025)",
    2071: "alarm event (2005)",
    2072: "alarm recorded (2005)",
    2081: "logger started",
    2111: "furnace temperature, 5-minute mean (2025)",
    3011: "calibrate zero and span",
    3012: "sample at once",
    3013: "clean or blow back",
    3014: "comparison sampling",
    3015: "retain a sample over the limit",
    3016: "set sampling period",
    3017: "get sampling period",
    3018: "sample-out time",
    3019: "instrument id",
    3020: "field information",
    3021: "set device parameter",
    3022: "retain a sample at once (2025)",
    3024: "start a standard check (2025)",
    9011: "request answer",
    9012: "execution result",
    9013: "notify answer",
    9014: "data answer",
    9015: "heartbeat (2025)",
    9021: "log in (2005)",
    9022: "log-in answer (2005)",
}
"""Sources: HJ 212-2017 table 9; 2005 commands removed by its foreword; 2025 commands from public code."""

ENCRYPTED_2025 = {1014, 3020}


def may_be_encrypted(cn: int) -> bool:
    """Whether the 2025 edition sends this command's content through SM4."""
    return 2000 <= cn <= 2999 or cn in ENCRYPTED_2025


def answered_with(cn: int) -> int | None:
    """The command that answers an upload or notice from a device, None for answers themselves.

    >>> answered_with(2051), answered_with(9015), answered_with(9014)
    (9014, 9013, None)
    """
    if cn in ANSWERS:
        return None
    return DATA_ANSWER if 2000 <= cn <= 3999 or cn == 1011 else NOTIFY_ANSWER
