# SPDX-License-Identifier: Apache-2.0
# What scripts/run and scripts/test share; sourced, with bash. Installs only what is missing, says what it does.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# Debian's own programs first: what stands in a home (pyenv and the like) is not there for the other user of the tests.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
[ -t 1 ] || say() { printf '==> %s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Runs a command as root: directly, or by sudo, which may ask for a password only where somebody can answer.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif ! command -v sudo > /dev/null; then fail "needs root or sudo for: $*"
  elif [ -t 0 ]; then sudo "$@"
  else sudo -n "$@"; fi
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

# Debian packages by name; the package lists are only fetched when something is missing.
need_packages() {
  local missing=() package
  command -v dpkg-query > /dev/null || { say "not Debian: these packages (or what they are called here) are needed: $*"; return 0; }
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  [ -n "${lists_fetched-}" ] || as_root apt-get update -qq || fail "apt-get update failed"
  lists_fetched=1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" > /dev/null \
    || fail "apt-get install ${missing[*]} failed"
}

# What building needs.
need_compiler() {
  need_packages gcc libc6-dev pkg-config meson ninja-build libcjson-dev libcmocka-dev libcurl4-openssl-dev libssl-dev libc-ares-dev \
    libgnutls28-dev libmicrohttpd-dev libpcre2-dev libseccomp-dev nettle-dev linux-libc-dev
}

# build_into DIRECTORY[:TARGET] [MESON OPTION]...: configures once, builds all or one target, shows only what failed.
build_into() {
  local directory=${1%%:*} target=all log
  case $1 in *:*) target=${1#*:} ;; esac
  shift
  mkdir -p "$directory"; log=$directory/build.log
  if [ -f "$directory/build.ninja" ]; then
    [ $# -eq 0 ] || meson configure "$directory" "$@" > "$log" 2>&1 || { cat "$log"; fail "meson configure $directory failed"; }
  else
    meson setup "$directory" "$top" "$@" > "$log" 2>&1 || { tail -30 "$log"; fail "meson setup $directory failed"; }
  fi
  ninja -C "$directory" "$target" > "$log" 2>&1 || { grep -E -A8 'error:|^FAILED|undefined reference' "$log" | head -60; fail "the build in $directory failed, see $log"; }
}

# What root built in somebody's checkout stays theirs.
give_back() {
  [ "$(id -u)" = 0 ] || return 0
  local owner; owner=$(stat -c %u:%g "$top")
  [ "$owner" = 0:0 ] || chown -R "$owner" "$@"
}
