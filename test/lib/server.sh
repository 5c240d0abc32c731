# A private, temporary PostgreSQL with this checkout's extension in it. Source this file from bash.
#
#   source test/lib/server.sh
#   server_start "shared_preload_libraries = 'pg_cron'"   # any number of postgresql.conf lines
#   sql -c 'CREATE EXTENSION identity_resolve'             # psql that stops at the first error
#   server_conf "work_mem = '1MB'"                         # further lines; restarts a running server
#   server_huge_pages                                      # yes or no
#   server_stop                                            # or leave it to the exit trap
#
# The server lives in a fresh directory under /tmp (SERVER_DIR; its log is SERVER_LOG), listens on a
# Unix socket there and nowhere else, and is gone when the script ends, however it ends. It runs as
# the calling user or, as PostgreSQL refuses root, as the user postgres. A script with an EXIT trap
# of its own calls server_stop from it.
#
# Nothing is installed into the system: the extension is built if need be, installed below
# SERVER_DIR/stage and found through extension_destdir, a setting of Debian's and Ubuntu's servers.
# A server that lacks that setting gets the ordinary `make install`, with sudo where needed.
#
# To set before server_start:
#   PG_CONFIG     which PostgreSQL (default: the pg_config in PATH)
#   SERVER_MAKE   array: the make command that builds and installs (default: make -C <checkout>)
#   SERVER_ENV    array: environment of the server, NAME=value

SERVER_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PG_CONFIG=${PG_CONFIG:-pg_config}
[[ -v SERVER_MAKE ]] || SERVER_MAKE=(make -C "$SERVER_ROOT")
[[ -v SERVER_ENV ]] || SERVER_ENV=()
SERVER_DIR=

# Runs a command as the server's user, in the server's directory.
server_run() {
  (
    cd "$SERVER_DIR"
    if [[ $(id -u) -eq 0 ]]; then
      export HOME=$SERVER_DIR
      exec setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    fi
    exec "$@"
  )
}

# Builds the extension and installs it where the server will find it; one at a time per checkout.
server_install() {
  local make_variables=(PG_CONFIG="$PG_CONFIG") log=$SERVER_DIR/build.log
  if [[ $("$SERVER_BIN/postgres" --describe-config) == *extension_destdir* ]]; then
    make_variables+=(DESTDIR="$SERVER_DIR/stage")
    echo "extension_destdir = '$SERVER_DIR/stage'" >>"$SERVER_DIR/data/postgresql.conf"
    (umask 022 && flock "$SERVER_ROOT/Makefile" \
      "${SERVER_MAKE[@]}" install "${make_variables[@]}") >"$log" 2>&1
  else
    flock "$SERVER_ROOT/Makefile" "${SERVER_MAKE[@]}" all "${make_variables[@]}" >"$log" 2>&1 &&
      $([[ $(id -u) -eq 0 ]] || echo sudo) \
        "${SERVER_MAKE[@]}" install "${make_variables[@]}" >>"$log" 2>&1
  fi || {
    cat "$log" >&2
    echo "server.sh: the extension does not build or install" >&2
    return 1
  }
}

server_start() {
  SERVER_BIN=$("$PG_CONFIG" --bindir) || return
  SERVER_DIR=$(mktemp -d /tmp/identity_resolve.XXXXXX) || return
  SERVER_LOG=$SERVER_DIR/log
  trap server_stop EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  chmod 755 "$SERVER_DIR"
  if [[ $(id -u) -eq 0 ]]; then chown postgres: "$SERVER_DIR"; fi

  # What the caller's environment says about some other server is not for this one.
  unset PGHOSTADDR PGSERVICE PGSERVICEFILE PGPASSWORD PGPASSFILE PGOPTIONS PGSSLMODE PGDATESTYLE \
    PGTZ PGCLIENTENCODING PGAPPNAME PGDATA
  export PGHOST=$SERVER_DIR PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
  export LC_ALL=C.UTF-8 PATH=$SERVER_BIN:$PATH

  server_run "$SERVER_BIN/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 \
    --locale=C.UTF-8 --no-sync >"$SERVER_DIR/initdb.log" 2>&1 || {
    cat "$SERVER_DIR/initdb.log" >&2
    return 1
  }
  cat >>"$SERVER_DIR/data/postgresql.conf" <<CONF
listen_addresses = ''
port = $PGPORT
unix_socket_directories = '$SERVER_DIR'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
log_line_prefix = '%m [%p] %q%a '
CONF
  server_install || return
  (($# == 0)) || printf '%s\n' "$@" >>"$SERVER_DIR/data/postgresql.conf"
  server_up
}

# Starts the server that server_start laid out; prints its log if it does not come up.
server_up() {
  server_run timeout 90 env ${SERVER_ENV[@]+"${SERVER_ENV[@]}"} "$SERVER_BIN/pg_ctl" --pgdata=data \
    --wait --timeout=60 --log="$SERVER_LOG" --silent start </dev/null >"$SERVER_DIR/start.log" 2>&1 || {
    cat "$SERVER_DIR/start.log" "$SERVER_LOG" >&2
    return 1
  }
}

# Adds lines to postgresql.conf and restarts.
server_conf() {
  printf '%s\n' "$@" >>"$SERVER_DIR/data/postgresql.conf"
  server_run "$SERVER_BIN/pg_ctl" --pgdata=data --wait --mode=fast --silent stop >/dev/null &&
    server_up
}

# "yes" where the running server's shared buffers lie in huge pages: PostgreSQL takes those that the
# kernel has reserved (vm.nr_hugepages), and without any goes on with small ones.
server_huge_pages() {
  awk '/^KernelPageSize/ && $2 > 64 { found = 1 } END { print found ? "yes" : "no" }' \
    "/proc/$(head -n 1 "$SERVER_DIR/data/postmaster.pid")/smaps"
}

# Stops the server and removes every trace of it. Keeps the exit status, to be of use in a trap.
server_stop() {
  local status=$?
  if [[ -n $SERVER_DIR ]]; then
    if [[ -f $SERVER_DIR/data/postmaster.pid ]]; then
      server_run "$SERVER_BIN/pg_ctl" --pgdata=data --wait --mode=immediate --silent stop \
        >/dev/null 2>&1 || true
    fi
    rm -rf "$SERVER_DIR"
    SERVER_DIR=
  fi
  return "$status"
}

# psql without the user's own settings, stopping at the first error.
sql() {
  psql --no-psqlrc --set=ON_ERROR_STOP=1 "$@"
}
