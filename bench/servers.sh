# shellcheck shell=bash
# The benchmark's private PostgreSQL and MariaDB. Sourced after scripts/environment.sh; wants run (the directory of their
# data), sockets (the directory of their sockets), bindir (PostgreSQL's programs) and limit (seconds of one statement).
# shellcheck disable=SC2154

# Memory that the servers' caches may take, in MB: a quarter of the machine's, 2 GB at most.
cache() {
  local megabytes=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 4096))
  echo $((megabytes < 2048 ? megabytes : 2048))
}

# Makes a directory of the server's user.
own() {
  mkdir -p "$1"
  chmod 700 "$1"
  if [ "$(id -u)" = 0 ]; then chown "$(server_user)" "$1"; fi
}

# The settings that decide about durability are PostgreSQL's defaults.
start_postgres() {
  local data=$run/postgresql
  if [ ! -f "$data/complete" ]; then
    rm -rf "$data"
    own "$data"
    (cd / && as_server "$bindir/initdb" --no-sync --no-locale -E UTF8 -U postgres -A trust -D "$data" >/dev/null)
    cat >>"$data/postgresql.auto.conf" <<C
listen_addresses = ''
logging_collector = off
shared_buffers = $(cache)MB
max_wal_size = 4GB
checkpoint_timeout = 30min
jit = off
autovacuum = off
max_parallel_workers_per_gather = 0
# A scan begins at the table's first page, so that LIMIT takes the same rows every time.
synchronize_seqscans = off
statement_timeout = ${limit}s
client_connection_check_interval = 1s
C
    touch "$data/complete"
  fi
  (cd / && as_server "$bindir/pg_ctl" -D "$data" -l "$data/log" -o "-k '$sockets'" -w start >/dev/null) ||
    { tail -n 20 "$data/log" >&2; die 'PostgreSQL did not start'; }
}

# With KEEP unlogged tables have to survive it, which takes longer.
stop_postgres() {
  local how=immediate
  [ -z "${KEEP:-}" ] || how=fast
  if [ -f "$run/postgresql/postmaster.pid" ]; then
    (cd / && as_server "$bindir/pg_ctl" -D "$run/postgresql" -m "$how" -w stop >/dev/null 2>&1) || true
  fi
}

# Starts MariaDB; fails when this machine has none.
start_mariadb() {
  local data=$run/mariadb program
  program=$(PATH=$PATH:/usr/sbin command -v mariadbd) && have mariadb-install-db || return 1
  if [ ! -f "$data/complete" ]; then
    rm -rf "$data"
    own "$data"
    (cd / && as_server mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal \
      --skip-test-db) >"$run/mariadb.log" 2>&1 || return 1
    touch "$data/complete"
  fi
  rm -rf "$run/plugin"
  mkdir -p "$run/plugin"
  cp "$target/release/libtablenet_mysql.so" "$run/plugin/tablenet_mysql.so"
  (cd / && as_server setsid "$program" --no-defaults --datadir="$data" --plugin-dir="$run/plugin" --socket="$sockets/mariadb" --skip-networking \
    --pid-file="$data/pid" --innodb-buffer-pool-size="$(cache)M" --log-error="$data/log" >/dev/null 2>&1) &
  local tries
  for tries in $(seq 120); do
    if [ -S "$sockets/mariadb" ]; then return 0; fi
    sleep 0.5
  done
  tail -n 20 "$data/log" >&2
  say "MariaDB did not start in $((tries / 2)) s"
  return 1
}

# Declares the functions, and the procedures in the database of the tables.
install_in_mariadb() {
  local client
  client=$(command -v mariadb || command -v mysql)
  "$client" --no-defaults -S "$sockets/mariadb" -uroot -e "source $root/sql/mysql/install.sql"
  "$client" --no-defaults -S "$sockets/mariadb" -uroot bench -e "source $root/sql/mysql/procedures.sql"
}

stop_mariadb() {
  local pid tries
  pid=$(cat "$run/mariadb/pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  for tries in $(seq 60); do
    kill -0 "$pid" 2>/dev/null || return 0
    if [ "$tries" = 50 ]; then kill -9 "$pid" || true; fi
    sleep 0.2
  done
}
