"""`count.py`: how many readings InfluxDB holds of the last day, asked as Outfall asks. For docker/smoke.sh."""

import sys
from pathlib import Path

from influxdb_client import InfluxDBClient

from engine.config.doc import ConfigDoc
from engine.config.document import read_document
from engine.config.validate import validated

FLUX = """from(bucket: "{bucket}") |> range(start: -1d, stop: 1h)
  |> filter(fn: (r) => r._measurement == "reading" and r._field == "value") |> group() |> count()"""


def main(config: Path) -> int:
    """Print the number."""
    doc, _, _ = validated(read_document(config), ConfigDoc)
    if doc is None or doc.store.influx is None:
        print(f"{config}: no store.influx", file=sys.stderr)
        return 1
    place = doc.store.influx
    token = (config.parent / place.token_file).read_text("utf-8").strip()
    with InfluxDBClient(url=place.url, token=token, org=place.org, timeout=10_000) as client:
        tables = client.query_api().query(FLUX.format(bucket=place.bucket))
    print(sum(record.get_value() for table in tables for record in table.records))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path("/etc/outfall/config.yaml")))
