# Sourced by the other scripts: named, timed steps that stop at the first failure.

export PIP_DISABLE_PIP_VERSION_CHECK=1

# step NAME COMMAND...: run the command, say how long it took; on failure say how to repeat it.
step() {
  local name=$1 began=$SECONDS status=0
  shift
  printf '== %s\n' "$name"
  "$@" || status=$?
  if [ "$status" -ne 0 ]; then
    printf '== %s: FAILED after %d s (exit %d). To repeat it:\n' \
      "$name" $((SECONDS - began)) "$status" >&2
    printf '   %s\n' "$(repeat_with "$@")" >&2
    exit "$status"
  fi
  printf '== %s: %d s\n' "$name" $((SECONDS - began))
}

# logged FILE COMMAND...: run it with its output both shown and kept.
logged() {
  local log=$1
  shift
  "$@" 2>&1 | tee "$log"
}

# repeat_with COMMAND...: what to type. A function of ours is repeated by its whole script.
repeat_with() {
  [ "$1" != logged ] || shift 2
  if [ "$(type -t "$1")" = function ]; then
    printf '%s' "${REPEAT:-bash $0}"
  else
    printf '%q ' "$@"
  fi
}

# digest FILE...: one hash over names and contents.
digest() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$@" | sha256sum | cut -c 1-20
  else
    shasum -a 256 "$@" | shasum -a 256 | cut -c 1-20
  fi
}
