# Installs what building and testing need. Source this file from bash.
#
#   source test/lib/install.sh
#   install_packages build test      # the groups below
#   install_extension                # make, then make install into the system's PostgreSQL
#
# For Debian 12 and its kin. Nothing missing: no network, no privileges needed. Otherwise apt-get,
# through sudo where the user is not root.

INSTALL_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# One apt-get command takes all of a call's packages, so that postgresql-15 and
# postgresql-server-dev-15 always come in the same version. libphonenumber-dev wants Debian's
# default Boost (1.74) and removes the development files of a newer one (libboost1.81-dev).
declare -A PACKAGES=(
  [build]="make g++ postgresql-15 postgresql-server-dev-15 libboost-container-dev libfmt-dev
    libicu-dev libsodium-dev libphonenumber-dev"
  [test]="cmake libgtest-dev clang-format clang-tidy clang python3 util-linux procps
    postgresql-15-cron graphviz
    postgresql-15-pgaudit postgresql-15-set-user postgresql-15-pg-qualstats postgresql-15-hypopg"
  [fuzz]="cmake clang libclang-rt-14-dev"
  [bench]="libbenchmark-dev cmake postgresql-15-pgrouting"
  [instructions]="cmake valgrind"
)

as_root() {
  if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

package_is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_packages GROUP…; one at a time, as apt has it.
install_packages() {
  (
    flock 9
    install_missing "$@" 9<&- # what apt starts must not keep the lock
  ) 9<"$INSTALL_ROOT/test/lib/install.sh"
}

install_missing() {
  local group package missing=()
  if ! command -v dpkg-query >/dev/null; then
    echo "install.sh: not a Debian system; taking for granted what '$*' need" >&2
    return 0
  fi
  for group in "$@"; do
    for package in ${PACKAGES[$group]}; do
      package_is_installed "$package" || missing+=("$package")
    done
  done
  ((${#missing[@]} > 0)) || return 0
  # Both or neither: the headers must match the server.
  if [[ " ${missing[*]} " == *" postgresql-server-dev-15 "* ]]; then missing+=(postgresql-15); fi
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  echo "Installing ${missing[*]}"
  if [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
    echo "install.sh: neither root nor sudo; as root run: apt-get install ${missing[*]}" >&2
    return 1
  fi
  as_root apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      "${missing[@]}" >/dev/null
}

# Builds the extension and installs it into the system's PostgreSQL.
install_extension() {
  flock "$INSTALL_ROOT/Makefile" make -s -C "$INSTALL_ROOT" -j"$(nproc)" &&
    as_root make -s -C "$INSTALL_ROOT" install
}
