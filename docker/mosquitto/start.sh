#!/bin/sh
# Mosquitto with mosquitto.conf as it is shipped, but for what is different between containers: others than this machine connect, and
# the passwords are those of the service `passwords`. No port of it is published except on 127.0.0.1.
set -eu
sed -e 's|^listener 1883 .*|listener 1883|' -e 's|^password_file .*|password_file /mosquitto/secrets/passwd|' \
    /mosquitto/config/mosquitto.conf >/tmp/mosquitto.conf
exec mosquitto -c /tmp/mosquitto.conf
