#!/bin/sh
# Installs what the bench can be compared with, into build/peers: the npm packages of package.json,
# PyTorch 2.13 in an environment of its own, and, as root on Debian, its PyTorch 1.13.
#
# Not below tests/: what checks the tests would walk through all of it.
set -eu
cd "$(dirname "$0")"
into=../../../build/peers

mkdir -p "$into"
cp package.json package-lock.json .npmrc "$into"
(cd "$into" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)

# Without OpenBLAS it multiplies by the reference BLAS, some twenty times slower.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        python3-torch python3-venv libopenblas0-pthread
fi

if [ ! -x "$into/venv/bin/python" ]; then
    python3 -m venv "$into/venv"
    "$into/venv/bin/pip" install --quiet torch==2.13.0
fi
