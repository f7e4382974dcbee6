#!/bin/sh
# Make the cluster where the volume is empty: user POSTGRES_USER with the password of POSTGRES_PASSWORD_FILE, database POSTGRES_DB.
set -eu
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

chown postgres:postgres "$PGDATA"
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    install -o postgres -g postgres -m 0400 "$POSTGRES_PASSWORD_FILE" /dev/shm/password
    # shellcheck disable=SC2086 # the arguments are several words
    as_postgres initdb --username="$POSTGRES_USER" --pwfile=/dev/shm/password ${POSTGRES_INITDB_ARGS:-} --pgdata="$PGDATA"
    rm /dev/shm/password
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | as_postgres postgres --single -D "$PGDATA" postgres >/dev/null
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$@" -c listen_addresses='*'
