# shellcheck shell=bash
# What every script here needs to know about the machine. Sourced, not run.
# shellcheck disable=SC2034 # what is set here is for the scripts that source it

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
export CARGO_TARGET_DIR=$target

# The oldest Rust that builds the project, as in Cargo.toml.
rust_needed=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$root/Cargo.toml")
version=$(sed -n 's/^version *= *"\([^"]*\)".*/\1/p' "$root/Cargo.toml" | head -n 1)
# The generator of the test extension and of the committed SQL has to match the library exactly.
pgrx_version=$(sed -n 's/^pgrx *= *"=\([^"]*\)".*/\1/p' "$root/Cargo.toml")

say() { printf '==> %s\n' "$*" >&2; }
die() { printf 'tablenet: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# pgrx looks for its settings here, not in the home directory. A file that is missing would make every build anew.
export PGRX_HOME=$target/pgrx
if [ ! -f "$PGRX_HOME/config.toml" ]; then
  mkdir -p "$PGRX_HOME"
  echo '[configs]' >"$PGRX_HOME/config.toml"
fi

# Runs a command as root, with sudo when this is an ordinary user.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo; then sudo "$@"
  else die "this step needs root and there is no sudo; run as root: $*"
  fi
}

# Exports RUSTUP_TOOLCHAIN so that cargo and rustc are new enough. The first that fits, of: the one asked for, the
# default, stable, nightly.
choose_toolchain() {
  have cargo || { [ -x "$HOME/.cargo/bin/cargo" ] && PATH=$HOME/.cargo/bin:$PATH; } ||
    die "cargo is not installed. Install Rust from https://rustup.rs and run this again."
  local candidate found tried=''
  for candidate in "${RUSTUP_TOOLCHAIN:-}" '' stable nightly; do
    if [ -n "$candidate" ]; then
      found=$(RUSTUP_TOOLCHAIN=$candidate rustc --version 2>/dev/null) || continue
    else
      found=$(env -u RUSTUP_TOOLCHAIN rustc --version 2>/dev/null) || continue
    fi
    found=${found#rustc }
    found=${found%% *}
    tried="$tried ${candidate:-default}=$found"
    if [ "$(printf '%s\n' "$rust_needed" "${found%%-*}" | sort -V | head -n 1)" = "$rust_needed" ]; then
      if [ -n "$candidate" ]; then export RUSTUP_TOOLCHAIN=$candidate; else unset RUSTUP_TOOLCHAIN; fi
      return
    fi
  done
  die "Rust $rust_needed or newer is needed; found:${tried:- none}. Run 'rustup toolchain install stable' and then this again."
}

# Prints the major version of the PostgreSQL of a pg_config; nothing where that does not run.
major_version() {
  { "$1" --version 2>/dev/null || true; } | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'
}

# PG=18 asks for a PostgreSQL of that major version: exports PG_CONFIG for the one there is, or for the one that
# scripts/fetch-postgres builds.
choose_version() {
  [ -n "${PG:-}" ] || return 0
  local candidate
  for candidate in "${PG_CONFIG:-pg_config}" "/usr/lib/postgresql/$PG/bin/pg_config"; do
    if [ "$(major_version "$candidate")" = "$PG" ]; then break; fi
    candidate=
  done
  [ -n "$candidate" ] || candidate=$("$root/scripts/fetch-postgres" "$PG") || die "there is no PostgreSQL $PG to be had"
  export PG_CONFIG=$candidate
  unset PG
}

# Sets pg_config to the server's own one, pg_major and pg_feature. PG_CONFIG names it, or PG its major version; the default
# is the one on PATH.
choose_postgres() {
  choose_version
  pg_config=${PG_CONFIG:-pg_config}
  have "$pg_config" || die "there is no '$pg_config'. Set PG_CONFIG to the pg_config of your PostgreSQL."
  # Debian's /usr/bin/pg_config is a wrapper; a copy of the server needs the real one.
  pg_config=$("$pg_config" --bindir)/pg_config
  [ -x "$pg_config" ] || die "there is no $pg_config. Install the development files of your PostgreSQL."
  pg_major=$(major_version "$pg_config")
  pg_feature=pg$pg_major
  grep -q "^$pg_feature *=" "$root/src/postgres/Cargo.toml" || die "PostgreSQL $pg_major is not supported."
}

# The user a private server runs as: root may not run one.
server_user() {
  if [ "$(id -u)" != 0 ]; then id -un
  elif id postgres >/dev/null 2>&1; then echo postgres
  else echo nobody
  fi
}

# Runs a command as the private server's user.
as_server() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid="$(server_user)" --regid="$(id -g "$(server_user)")" --clear-groups env HOME=/ "$@"
  else
    "$@"
  fi
}

# Prints a directory NAME that the private server's user can reach: under target, or, where it cannot (a clone below
# /root), a temporary one that target/NAME.path remembers.
server_directory() {
  local directory=$target/$1 note=$target/$1.path
  mkdir -p "$target"
  if [ -f "$note" ]; then
    directory=$(cat "$note")
    if [ -d "$directory" ] && [ -O "$directory" ] && [ ! -L "$directory" ]; then echo "$directory"; return; fi
    rm -f "$note"
    directory=$target/$1
  fi
  mkdir -p "$directory"
  if ! (cd / && as_server test -x "$directory") 2>/dev/null; then
    rmdir "$directory"
    directory=$(mktemp -d "${TMPDIR:-/tmp}/tablenet-$1.XXXXXX")
    chmod 755 "$directory"
    echo "$directory" >"$note"
  fi
  echo "$directory"
}
