#!/usr/bin/env bash
# Finds a Chromium for the browser test, or installs one where that takes no questions (Debian, Ubuntu).
set -euo pipefail

for name in "${CHROMIUM_PATH:-}" chromium chromium-browser google-chrome google-chrome-stable; do
  if [ -n "$name" ] && path=$(command -v "$name"); then
    echo "Browser found: $path"
    exit 0
  fi
done

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo=(sudo -n); else sudo=(none); fi
fi
if command -v apt-get >/dev/null && [ "${sudo[0]:-}" != none ]; then
  "${sudo[@]}" apt-get update -q </dev/null
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium </dev/null
  echo "Browser installed: $(command -v chromium)"
  exit 0
fi

echo "No Chromium found. Install Chromium or Google Chrome, or set CHROMIUM_PATH to its executable." >&2
exit 1
