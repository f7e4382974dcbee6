#!/bin/sh
# Bring the stack up, publish readings over a limit as a monitor, wait for the page, ask InfluxDB for the readings, have `outfall
# doctor` look at it all, kill the intake and each worker in turn and do it again, take everything down. Prints a line a step with
# the seconds since the start, and PASS or FAIL last.
#
#   docker/smoke.sh [ENV-FILE]      # ENV-FILE: docker/standins/standins.env where no registry can be reached
#
# COMPOSE     the program, `docker compose` or `podman-compose`; default: the first of the two that is there
# SMOKE_KEEP  1: leave everything up
# PROJECT     name of the project, so that nothing else is touched; default outfall-smoke
# SMOKE_WITH  more services to start, such as grafana
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PROJECT=${PROJECT:-outfall-smoke}
ENV_FILE=${1:-}
FIRST=010000A8900016F000169DC0
SECOND=010000A8900016F000169DC1
BEGAN=$(date +%s)
# Ports of their own, so that a running stack is not in the way.
export MQTT_PORT="${MQTT_PORT:-21883}" ENDPOINT_PORT="${ENDPOINT_PORT:-21884}" GRAFANA_PORT="${GRAFANA_PORT:-23000}"
TICKER=
if [ -n "$ENV_FILE" ]; then
    set -a
    # shellcheck disable=SC1090
    . "$(realpath "$ENV_FILE")"
    set +a
fi

if [ -z "${COMPOSE:-}" ]; then
    if docker compose version >/dev/null 2>&1; then COMPOSE="docker compose"; else COMPOSE=podman-compose; fi
fi
case $COMPOSE in docker*) ENGINE=docker ;; *) ENGINE=podman ;; esac

say() { printf '%4d s  %s\n' "$(($(date +%s) - BEGAN))" "$*"; }

compose() {
    # shellcheck disable=SC2086 # several words
    $COMPOSE -p "$PROJECT" -f "$HERE/compose.yaml" "$@"
}

# container SERVICE: its name; the two programs put the parts together differently.
container() { "$ENGINE" ps -a --format '{{.Names}}' | grep -E "^${PROJECT}[-_]$1[-_]1\$" | head -n 1; }

state() { "$ENGINE" inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}-{{end}}' "$1" 2>/dev/null || echo none; }

# Podman has systemd run its health checks. Where there is none, they are run here.
tick() {
    command -v podman >/dev/null 2>&1 && [ ! -d /run/systemd/system ] || return 0
    while :; do
        for name in $(podman ps --format '{{.Names}}' | grep "^${PROJECT}[-_]"); do
            timeout 30 podman healthcheck run "$name" >/dev/null 2>&1 &
        done
        wait
        sleep 2
    done &
    TICKER=$!
}

finish() {
    code=$?
    [ -z "$TICKER" ] || kill "$TICKER" 2>/dev/null || true
    if [ "$code" -ne 0 ]; then
        say "the last words of every service:"
        for service in passwords influx-setup mosquitto kafka postgres influxdb intake worker-1 worker-2; do
            name=$(container "$service")
            [ -z "$name" ] || { echo "--- $service: $(state "$name")"; "$ENGINE" logs --tail 15 "$name" 2>&1; }
        done
    fi
    if [ -z "${SMOKE_KEEP:-}" ]; then
        say "taking it down"
        # By hand too: podman-compose leaves networks, volumes without a name, and containers that were just being started again.
        mine=$("$ENGINE" ps -aq --filter "label=com.docker.compose.project=$PROJECT")
        # shellcheck disable=SC2086 # several words
        [ -z "$mine" ] || "$ENGINE" rm -f -v $mine >/dev/null 2>&1 || true
        compose down -v >/dev/null 2>&1 || true
        for network in $("$ENGINE" network ls --format '{{.Name}}' | grep "^${PROJECT}_"); do
            "$ENGINE" network rm "$network" >/dev/null 2>&1 || true
        done
    fi
    if [ "$code" -eq 0 ]; then say PASS; else say "FAIL: $FAILED"; fi
    exit "$code"
}
FAILED="a command failed (above)"
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
    FAILED=$*
    exit 1
}

# until_true SECONDS WHAT COMMAND...: wait for a command to succeed
until_true() {
    limit=$(($(date +%s) + $1)) what=$2
    shift 2
    while ! "$@"; do
        [ "$(date +%s)" -lt "$limit" ] || fail "$what: not within the time given"
        sleep 1
    done
    say "$what"
}

healthy() { case $(state "$(container "$1")") in *" healthy") return 0 ;; *) return 1 ;; esac; }

# ready SERVICE: everything of it has started: the intake listens and its bridge has a broker, workers have their partitions.
ready() {
    "$ENGINE" exec -e OUTFALL_HEALTH=http://127.0.0.1:8090/ready "$(container "$1")" python /opt/outfall/health.py >/dev/null 2>&1
}

# publish MN VALUE: the next ten-minute mean of COD as that monitor, with QoS 1; mosquitto_pub ends well only when it was
# acknowledged. The first is that of two hours ago.
publish() {
    at=$((BEGAN / 600 * 600 - 7200 + PUBLISHED * 600))
    text="{\"v\":1,\"mn\":\"$1\",\"kind\":\"minute\",\"time\":${at}000,\"readings\":{\"w01018\":{\"value\":$2,\"flag\":\"N\"}}}"
    password=$(echo "$PASSWORDS" | sed -n "s/^$1 //p")
    [ -n "$password" ] || fail "no password for $1"
    "$ENGINE" exec "$(container mosquitto)" mosquitto_pub -h 127.0.0.1 -u "$1" -P "$password" -q 1 \
        -t "outfall/v1/$1/up" -m "$text" || fail "mosquitto_pub"
    PUBLISHED=$((PUBLISHED + 1))
}

# three_over MN PAGES: three readings far over their limit, and what must follow
three_over() {
    for value in 901 902 903; do publish "$1" "$value"; done
    say "three readings of $1 published and acknowledged, each far over its limit"
    until_true 180 "a page has gone out" paged "$2"
    until_true 60 "all $PUBLISHED readings are in InfluxDB" all_stored
}

pages() { for one in worker-1 worker-2; do "$ENGINE" logs "$(container "$one")" 2>/dev/null; done | grep -c '^→' || true; }

paged() { [ "$(pages)" -ge "$1" ]; }

# How many readings InfluxDB has, asked with Outfall's own token.
stored() {
    "$ENGINE" exec "$(container intake)" python /opt/outfall/first_run/count.py 2>/dev/null || echo 0
}

all_stored() { [ "$(stored)" = "$PUBLISHED" ]; }

ended() { case $(state "$(container "$1")") in exited*) return 0 ;; *) return 1 ;; esac; }

PUBLISHED=0
tick
say "up, with $COMPOSE"
if [ "$ENGINE" = podman ]; then
    # podman-compose starts a service before what it depends on has ended well: here it is told so, step by step.
    for service in passwords influx-setup; do
        compose up -d "$service" >&2 || fail "up"
        until_true 120 "$service has ended" ended "$service"
    done
fi
# shellcheck disable=SC2086 # several words
compose up -d intake worker-1 worker-2 ${SMOKE_WITH:-} >&2 || fail "up"
for service in mosquitto kafka postgres influxdb intake worker-1 worker-2; do
    until_true 240 "$service is well" healthy "$service"
done
for service in intake worker-1 worker-2; do until_true 120 "$service is ready" ready "$service"; done

PASSWORDS=$(compose run --rm --no-deps -T passwords show 2>/dev/null | tr -d '\r')
three_over "$FIRST" 1
"$ENGINE" exec "$(container intake)" outfall doctor --config /etc/outfall/config.yaml --lang en --probe \
    --broker-user outfall-doctor --broker-password-file /run/secrets/outfall/doctor >&2 || fail "outfall doctor found an error"
say "outfall doctor found no error"

# While the intake is away the broker keeps what monitors send.
"$ENGINE" kill -s KILL "$(container intake)" >/dev/null
say "intake killed"
publish "$FIRST" 904
"$ENGINE" start "$(container intake)" >/dev/null
until_true 120 "intake is well again" healthy intake
until_true 60 "all $PUBLISHED readings are in InfluxDB" all_stored

# Each worker in turn is killed; the other takes its partitions over, and nothing is lost or missing.
BEFORE=$(pages)
"$ENGINE" kill -s KILL "$(container worker-1)" >/dev/null
say "worker-1 killed"
three_over "$SECOND" $((BEFORE + 1))
"$ENGINE" start "$(container worker-1)" >/dev/null
until_true 240 "worker-1 is well again" healthy worker-1
BEFORE=$(pages)
"$ENGINE" kill -s KILL "$(container worker-2)" >/dev/null
say "worker-2 killed"
publish "$FIRST" 5
publish "$SECOND" 5
until_true 180 "both monitors' alerts are over, and the pages say so" paged $((BEFORE + 2))
until_true 60 "all $PUBLISHED readings are in InfluxDB" all_stored
