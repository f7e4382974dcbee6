"""Why a store refuses what the judge took: reasons of dead letters besides those of `sensors.refusal`."""

from enum import StrEnum


class SinkReason(StrEnum):
    """Why a line is not in InfluxDB."""

    REFUSED = "influx_refused"  # the server will never take it
    SERIES_MAX = "influx_series_max"  # of a series too many
