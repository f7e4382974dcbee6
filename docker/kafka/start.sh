#!/usr/bin/env bash
# Format the data directory where it is new, then start the broker. The same in Kafka's own image and in docker/standins/kafka.
set -euo pipefail
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted \
    --cluster-id "${CLUSTER_ID:-b3V0ZmFsbC1vbmUtbm9kZQ}" --config /etc/outfall/server.properties
exec /opt/kafka/bin/kafka-server-start.sh /etc/outfall/server.properties
