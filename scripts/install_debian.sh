#!/usr/bin/env bash
# Installs the servers that the tests talk to, unless they are there (scripts/debian_packages.txt).
set -uo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/sbin:/usr/local/sbin"

lacking=()
while read -r package program _oldest; do
  command -v "$program" >/dev/null || lacking+=("$package")
done < <(grep -v '^#' scripts/debian_packages.txt)

if [ ${#lacking[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    printf 'missing: %s. The tests need these servers; install them with your system'"'"'s\n' \
      "${lacking[*]}" >&2
    printf 'package manager (Debian, as root: apt-get install %s).\n' "${lacking[*]}" >&2
    exit 1
  fi
  printf 'installing with apt-get: %s\n' "${lacking[*]}"
  # The tests start their own servers on free ports: RUNLEVEL=1 keeps Debian from starting one too.
  root_env=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1)
  "${as_root[@]}" "${root_env[@]}" apt-get -qq update </dev/null || exit 1
  "${as_root[@]}" "${root_env[@]}" apt-get -qq install -y -o Dpkg::Use-Pty=0 \
    --no-install-recommends "${lacking[@]}" </dev/null || exit 1
fi

status=0
while read -r package program oldest; do
  found=$({ "$program" -h; "$program" --version; } 2>&1 </dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1)
  if [ "$(printf '%s\n%s\n' "$oldest" "${found:-0}" | sort -V | head -n 1)" != "$oldest" ]; then
    printf '%s is %s; the tests need %s or newer\n' "$package" "${found:-unknown}" "$oldest" >&2
    status=1
  fi
done < <(grep -v '^#' scripts/debian_packages.txt)
exit "$status"
