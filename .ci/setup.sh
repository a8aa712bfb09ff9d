#!/usr/bin/env bash
# What tests need beside npm's packages: Chromium, and redis-server for sweeps over many machines. Finds them, or installs
# them where that takes no questions (Debian, Ubuntu).
set -euo pipefail

# The first of these commands that there is.
found() {
  local name
  for name in "$@"; do
    if [ -n "$name" ] && command -v "$name"; then return 0; fi
  done
  return 1
}
browser() { found "${CHROMIUM_PATH:-}" chromium chromium-browser google-chrome google-chrome-stable; }
redis() { found redis-server; }

packages=()
browser >/dev/null || packages+=(chromium)
redis >/dev/null || packages+=(redis-server)
if [ ${#packages[@]} -gt 0 ] && command -v apt-get >/dev/null; then
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo -n); fi
  # RUNLEVEL=1: no service is started; tests start a server of their own.
  if "${sudo[@]}" true 2>/dev/null; then
    "${sudo[@]}" apt-get update -q </dev/null || true
    for package in "${packages[@]}"; do
      "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -q -y --no-install-recommends "$package" </dev/null || true
    done
  fi
fi

if path=$(redis); then
  echo "Redis found: $path"
else
  echo "No redis-server found: the tests of sweeps over Redis will be skipped." >&2
fi
if path=$(browser); then
  echo "Browser found: $path"
else
  echo "No Chromium found. Install Chromium or Google Chrome, or set CHROMIUM_PATH to its executable." >&2
  exit 1
fi
