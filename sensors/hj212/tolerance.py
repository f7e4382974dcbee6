"""Departures from the grammar that are read all the same, and counted by name as `tolerance.<name>`."""

from enum import StrEnum


class Tolerance(StrEnum):
    """One kind of departure. docs/hj212.md shows each with an example."""

    # around frames
    GARBAGE = "garbage"  # bytes between frames
    LINE_END = "line_end"  # a frame does not end with CR LF, and is not the last
    CRC_MODBUS = "crc_modbus"  # CRC-16/MODBUS, from a monitor registered so
    # in the head
    MISSING_SEMICOLON = "missing_semicolon"
    HEADER_SEPARATOR = "header_separator"
    HEADER_ORDER = "header_order"
    HEADER_UNKNOWN = "header_unknown"
    NO_ST = "no_st"
    NO_PW = "no_pw"
    QN_FORM = "qn_form"
    PACKET_FLAG = "packet_flag"
    PACKET_NUMBER = "packet_number"
    # anywhere
    BLANK = "blank"
    NAME_CASE = "name_case"
    # in the content
    DATATIME_MS = "datatime_ms"
    EMPTY_ITEM = "empty_item"
    ITEM_COMMA = "item_comma"
    DOUBLE_HYPHEN = "double_hyphen"
    REPEATED_FIELD = "repeated_field"
    FLAG_WITHOUT_CODE = "flag_without_code"
    FLAG_WITHOUT_NAME = "flag_without_name"
    FLAG_CASE = "flag_case"
    FLAG_EMPTY = "flag_empty"
    CODE_WITHOUT_LETTER = "code_without_letter"
