#!/bin/sh
# compilers.sh DIR PACKAGE...: compilers from Debian's packages, unpacked under DIR, and programs for them in DIR/wrapped.
# For a machine without them where nothing may be installed.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$ROOT/script/lib.sh"
. "$ROOT/script/servers.sh"
INTO=$1
shift
apt_get_user "$INTO" "$@"
relink "$INTO"
mkdir -p "$INTO/wrapped" "$INTO/lib64"
multiarch=$(basename "$(echo "$INTO"/usr/lib/*-linux-gnu | cut -d' ' -f1)")

# The linker looks for the system's own libraries under DIR as well: those that were not fetched since they are installed.
mkdir -p "$INTO/lib/$multiarch"
for library in /lib/"$multiarch"/*.so* /lib64/ld-linux*; do
    [ -e "$INTO$library" ] || ln -s "$library" "$INTO$library"
done

# program NAME FILE [WORD...]: a program in DIR/wrapped.
program() {
    name=$1
    file=$2
    shift 2
    cat >"$INTO/wrapped/$name" <<END
#!/bin/sh
PATH="$INTO/usr/bin:\$PATH" LD_LIBRARY_PATH="$INTO/usr/lib/$multiarch:$INTO/lib/$multiarch" exec "$INTO/usr/bin/$file" $* "\$@"
END
    chmod +x "$INTO/wrapped/$name"
}
[ ! -x "$INTO/usr/bin/gcc" ] || for name in gcc cc; do program "$name" gcc "--sysroot=$INTO"; done
for name in cargo rustc pkg-config ar ld as; do
    [ ! -x "$INTO/usr/bin/$name" ] || program "$name" "$name"
done
