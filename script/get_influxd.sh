#!/bin/bash
# get_influxd.sh DIR: leaves DIR/influxd-v2.7.12, an InfluxDB OSS server built from its Go module and crates. Does nothing when it is there.
# Needs go 1.23, cargo 1.72, gcc, pkg-config, flock; 2 GB of memory and, until it is done, 3.5 GB of disk. About 5 minutes on 2 cores.
set -euo pipefail
VERSION=v2.7.12
SUM=h1:m25dUSO7h6nm3zFC4v/aCNeFFmnN/mlN/uPo1T63bmk= # of the module, as go.sum says it; it pins everything below
DIR=$(mkdir -p "${1:?usage: $0 DIR}" && cd "$1" && pwd)
OUT=$DIR/influxd-$VERSION
BUILD=$DIR/.build-$VERSION

step() { echo "outfall: $(date +%T) $*" >&2; }
fail() {
    step "$*"
    exit 1
}
have() { [[ -x $OUT && $("$OUT" version 2>/dev/null) == *"$VERSION "* ]]; }

have && exit 0
for tool in go cargo gcc pkg-config flock; do
    command -v $tool >/dev/null || fail "$tool is missing: InfluxDB is built with it"
done
exec 9>"$DIR/.lock"
flock 9
have && exit 0

mkdir -p "$BUILD/bin" "$BUILD/cargo"
cp "${CARGO_HOME:-$HOME/.cargo}/config.toml" "$BUILD/cargo/" 2>/dev/null || true
# Flux asks for an older Rust by name; rustup would want to download it.
if command -v rustup >/dev/null; then
    RUSTUP_TOOLCHAIN=${RUSTUP_TOOLCHAIN:-$(cd / && rustup default | cut -d' ' -f1)}
    export RUSTUP_TOOLCHAIN
fi
export GOPATH=$BUILD/gopath GOMODCACHE=$BUILD/gopath/pkg/mod GOCACHE=$BUILD/gocache CARGO_HOME=$BUILD/cargo CGO_ENABLED=1 GOFLAGS='' GOWORK=off
# The helper below expects libflux/target/<triple>/release.
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR CARGO_BUILD_TARGET RUSTFLAGS PKG_CONFIG GOBIN
# Its only call of cargo is "build --release --target T". Flux's default feature "strict" makes warnings errors, and newer Rust has new
# warnings: it is left out, and only the static library is built.
cat >"$BUILD/bin/cargo-libflux" <<'END'
#!/bin/sh
shift
unset CARGO
exec cargo rustc --locked "$@" -p flux --lib --no-default-features --features cffi --crate-type staticlib
END
chmod +x "$BUILD/bin/cargo-libflux"
cd "$BUILD"

step "InfluxDB $VERSION: download"
module=$(go mod download -json "github.com/influxdata/influxdb/v2@$VERSION")
source=$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$module")
got=$(sed -n 's/.*"Sum": "\(.*\)".*/\1/p' <<<"$module")
[[ $got == "$SUM" ]] || fail "InfluxDB $VERSION: expected the checksum $SUM, got $got"

step "InfluxDB: the helper that builds Flux"
# Not the version that the module asks for: that one cannot read the toolchain line of the module's own go.mod.
GOBIN=$BUILD/bin go install github.com/influxdata/pkg-config@v0.3.0 2>"$BUILD/go.log" || fail "$(tail -n 40 "$BUILD/go.log")"
export PKG_CONFIG=$BUILD/bin/pkg-config CARGO=$BUILD/bin/cargo-libflux

# In the module's own directory it is the main module: its go.sum and its replacements hold.
cd "$source"
step "InfluxDB: Flux (Rust), about 1 minute"
"$PKG_CONFIG" --cflags --libs flux >"$BUILD/libflux.log" 2>&1 || fail "$(tail -n 40 "$BUILD/libflux.log")"
step "InfluxDB: the server (Go), about 4 minutes"
go build -mod=readonly -tags sqlite_foreign_keys,sqlite_json -ldflags "-s -w -X main.version=$VERSION" -o "$BUILD/influxd" \
    ./cmd/influxd 2>>"$BUILD/go.log" || fail "$(tail -n 40 "$BUILD/go.log")"
mv "$BUILD/influxd" "$OUT"
cd "$DIR"
have || fail "the server that was built does not start"
chmod -R u+w "$BUILD"
rm -rf "$BUILD"
step "InfluxDB $VERSION is built: $OUT"
