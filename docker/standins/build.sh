#!/bin/sh
# Build every image that compose.yaml names without an image registry: from Debian packages, the jars of Kafka and an `influxd`.
#
#   docker/standins/build.sh              # all of them; prints the file with the variables for compose
#   docker/standins/build.sh outfall      # or some
#
# INFLUXD       the program influxd 2.7 (default: where script/servers puts it, or the one on the PATH)
# KAFKA_LIBS    folder with the jars of Kafka 4.1 (default: the same place)
# BUILD_OPTIONS more words for `podman build`, such as --network host
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
ROOT=$(CDPATH='' cd -- "$HERE/../.." && pwd)
SERVERS=${OUTFALL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outfall}/servers
ENGINE=${ENGINE:-$(command -v podman || command -v docker || true)}
BASE=${BASE_IMAGE:-docker.io/library/debian:bookworm-slim}
WORK=$(mktemp -d -p "${TMPDIR:-/var/tmp}" outfall-images.XXXXXX)
trap 'rm -rf "$WORK"' EXIT

say() { printf '%s\n' "images: $*" >&2; }

die() {
    say "$*"
    exit 1
}

[ -n "$ENGINE" ] || die "neither podman nor docker on the PATH"

# The base: there, or pulled, or made by debootstrap (which needs root).
base() {
    "$ENGINE" image inspect "$BASE" >/dev/null 2>&1 && return 0
    "$ENGINE" pull -q "$BASE" >/dev/null 2>&1 && return 0
    command -v debootstrap >/dev/null 2>&1 || die "$BASE cannot be pulled, and there is no debootstrap to make it"
    say "making $BASE with debootstrap"
    debootstrap --variant=minbase bookworm "$WORK/rootfs" >&2
    tar -C "$WORK/rootfs" -c . | "$ENGINE" import - "$BASE" >/dev/null
    rm -rf "$WORK/rootfs"
}

# build NAME FILE CONTEXT
build() {
    say "building outfall-$1"
    # shellcheck disable=SC2086 # several words
    "$ENGINE" build -q ${BUILD_OPTIONS:-} --build-arg "BASE=$BASE" -t "$(tag "$1")" -f "$2" "$3" >/dev/null
}

tag() { case $1 in outfall) echo outfall:local ;; *) echo "outfall-$1:local" ;; esac; }

image() {
    case $1 in
    outfall) build outfall "$ROOT/docker/Dockerfile" "$ROOT" ;;
    mosquitto | postgres) build "$1" "$HERE/$1.Containerfile" "$HERE" ;;
    influxdb)
        influxd=${INFLUXD:-$(command -v "$SERVERS/bin/influxd" || command -v influxd || true)}
        [ -x "$influxd" ] || die "no influxd in $SERVERS/bin or on the PATH: run script/servers, or INFLUXD=/path/to/influxd"
        mkdir "$WORK/influxdb" && cp "$influxd" "$WORK/influxdb/influxd"
        build influxdb "$HERE/influxdb.Containerfile" "$WORK/influxdb"
        ;;
    kafka)
        jar=$(find -L "${KAFKA_LIBS:-$SERVERS}" -name 'kafka_2.13-*.jar' -print 2>/dev/null | sort | tail -n 1)
        [ -n "$jar" ] || die "no kafka_2.13-*.jar below ${KAFKA_LIBS:-$SERVERS}: run script/servers, or KAFKA_LIBS=/path/to/libs"
        mkdir -p "$WORK/kafka/libs" && cp "$(dirname "$jar")"/*.jar "$WORK/kafka/libs"
        build kafka "$HERE/kafka.Containerfile" "$WORK/kafka"
        ;;
    *) die "$1: expected outfall, mosquitto, postgres, influxdb or kafka" ;;
    esac
}

base
for name in "${@:-all}"; do
    case $name in
    all) for each in outfall mosquitto postgres influxdb kafka; do image "$each"; done ;;
    *) image "$name" ;;
    esac
done
echo "$HERE/standins.env"
