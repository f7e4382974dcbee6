# Shared by script/demo and script/test: the Python environment and, for the tests, the programs they talk to.
# POSIX sh. The caller sets ROOT (the checkout) before it reads this file.

VENV="$ROOT/.venv"
CACHE="$ROOT/.cache"

say() { printf '%s\n' "outfall: $*" >&2; }

die() {
    say "$*"
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

# The first Python on the PATH that is new enough; PYTHON=... overrides.
find_python() {
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 \
            && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# apt_get_root PACKAGE...: install system packages, saying so first. Fails quietly where there is no apt.
apt_get_root() {
    command -v apt-get >/dev/null 2>&1 || return 1
    say "installing system packages with apt-get: $*"
    DEBIAN_FRONTEND=noninteractive apt-get update -q >&2 || return 1
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2
}

# apt_get_user DIR PACKAGE...: fetch packages and what they need with the machine's own sources, unpack them under DIR.
# Nothing outside DIR is written, so no rights are needed.
apt_get_user() {
    (
        into=$1
        shift
        command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || exit 1
        say "fetching packages with apt-get into $into (nothing is installed on the system): $*"
        state="$CACHE/apt"
        mkdir -p "$into" "$state/lists/partial" "$state/archives/partial" || exit 1
        # Hooks of the system would clean up what is not ours.
        printf '%s\n' '#clear APT::Update::Post-Invoke;' '#clear APT::Update::Post-Invoke-Success;' \
            '#clear DPkg::Post-Invoke;' >"$state/apt.conf"
        private_apt() {
            apt-get -q -c "$state/apt.conf" -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state" -o Dir::Cache::Archives="$state/archives" \
                -o Dir::State::Status=/var/lib/dpkg/status -o Dir::Log="$state" -o Debug::NoLocking=1 -o APT::Sandbox::User= "$@" >&2
        }
        private_apt update || exit 1
        private_apt install -y --no-install-recommends --download-only "$@" || exit 1
        for package in "$state"/archives/*.deb; do
            dpkg-deb -x "$package" "$into" || exit 1
        done
        rm -rf "$state"
    )
}

# Put pip into $VENV where this Python came without it: from the index pip is set up for, else from the system's packages.
add_pip() {
    mkdir -p "$CACHE/pip-wheel"
    if ! "$VENV/bin/python" "$ROOT/script/fetch_pip.py" "$CACHE/pip-wheel" >&2; then
        apt_get_user "$CACHE/pip-deb" python3-pip-whl || return 1
        cp "$CACHE"/pip-deb/usr/share/python-wheels/pip-*.whl "$CACHE/pip-wheel/" || return 1
    fi
    for wheel in "$CACHE"/pip-wheel/pip-*.whl; do
        "$VENV/bin/python" "$wheel/pip" install -q --no-index "$wheel" >&2
        return
    done
    return 1
}

make_venv() {
    python=$(find_python) || die "no Python 3.11 or newer on the PATH; install one, or name it: PYTHON=/path/to/python3 $0"
    say "making the environment .venv with $python"
    rm -rf "$VENV"
    if ! "$python" -c 'import ensurepip' 2>/dev/null && is_root; then
        apt_get_root python3-venv || say "python3-venv could not be installed; going on without it"
    fi
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$VENV" || die "$python -m venv failed; is $ROOT writable?"
        return
    fi
    "$python" -m venv --without-pip "$VENV" || die "$python -m venv failed; is $ROOT writable?"
    add_pip || {
        rm -rf "$VENV"
        die "this Python has no pip and none could be fetched; install python3-venv, or set PIP_INDEX_URL"
    }
}

# What an environment was made from: it is made again when this changes.
fingerprint() { { printf '%s\n' "$ROOT" "$("$VENV/bin/python" -V)"; cat "$ROOT/pyproject.toml"; } | cksum; }

# ensure_env [EXTRA]: the environment with the project and the extra's packages in it; does nothing when it is up to date.
ensure_env() {
    extra=${1:-}
    "$VENV/bin/python" -c 'import pip' 2>/dev/null || make_venv
    stamp="$VENV/installed${extra:+-$extra}"
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && return 0
    say "installing the project's packages into .venv with pip${extra:+ (with those for: $extra)}"
    "$VENV/bin/python" -m pip install -q --disable-pip-version-check -e "$ROOT${extra:+[$extra]}" >&2 \
        || die "pip could not install the packages (its own message is above)"
    say "compiling the loops over readings, once"
    "$VENV/bin/python" -m engine.warm >&2 || die "the installed packages do not work (the message is above)"
    fingerprint >"$stamp"
    [ -z "$extra" ] || cp "$stamp" "$VENV/installed"
}
