#!/usr/bin/env bash
# Builds and tests this checkout with another PostgreSQL, on the Debian or Ubuntu release that has it,
# in a chroot. A step of test/check.sh release: it downloads a release of some 300 MB for each version.
#
#   test/versions.sh                        the regression tests with each version below
#   test/versions.sh 14 19                  with these
#   test/versions.sh 19 61_map 62_map       besides, the suites whose names begin like this
#
# Needs root (or sudo), debootstrap and the network. A chroot takes some minutes to make and 2 GB, and
# is kept, with the objects of its last build, in a folder per version below VERSIONS_DIR (default:
# /var/tmp/identity_resolve_versions). Remove that folder to begin anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

declare -A RELEASE=([14]=jammy [15]=bookworm [16]=noble [17]=trixie [18]=sid [19]=experimental)

source test/lib/install.sh
if [[ $(id -u) -ne 0 ]]; then exec sudo --preserve-env "$0" "$@"; fi
folder=${VERSIONS_DIR:-/var/tmp/identity_resolve_versions}
mkdir -p "$folder"

# Runs a command in the chroot. Its mounts and its processes end with it.
in_root() {
  unshare --mount --pid --fork --kill-child bash -ec '
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    mount -t tmpfs tmpfs "$0/dev/shm"
    exec chroot "$0" "$@"' "$root" env -u TMPDIR LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

make_root() {
  local version=$1 release=$2 options=(--variant=minbase) script=/usr/share/debootstrap/scripts mirror=
  case $release in
    # A Debian that is older than an Ubuntu has no script of its name; all of them are one script. Nor has it Ubuntu's keys:
    # signatures are checked here where the package ubuntu-keyring is installed, and by apt in the chroot from then on.
    jammy | noble) options+=("--components=main,universe") script+=/gutsy mirror=http://archive.ubuntu.com/ubuntu ;;
    *) script+=/sid ;;
  esac
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  unshare --mount debootstrap "${options[@]}" "${release/experimental/sid}" "$root" "$mirror" "$script"
  # Proxies and the like.
  apt-config dump Acquire >"$root/etc/apt/apt.conf.d/99host"
  if [[ $release == experimental ]]; then
    sed 's/ sid / experimental /' "$root/etc/apt/sources.list" \
      >"$root/etc/apt/sources.list.d/experimental.list"
    printf '%s\n' "Package: src:postgresql-$version" 'Pin: release a=experimental' \
      'Pin-Priority: 600' >"$root/etc/apt/preferences.d/experimental"
  fi
  in_root apt-get update -qq
  # shellcheck disable=SC2086
  in_root apt-get install -qq -y --no-install-recommends ${PACKAGES[build]//15/$version} \
    python3 util-linux procps
  touch "$root/ready"
}

# This checkout's files, and no others, beside the objects of the last build.
copy_checkout() {
  mkdir -p "$root/checkout"
  find "$root/checkout" -type f ! -name '*.[od]' -delete
  tar -c --exclude=./.git --exclude=./build --exclude='*.[od]' --exclude='*.so' \
    --exclude='identity_resolve--*.sql' . | tar -x --no-same-owner -C "$root/checkout"
}

run_tests() {
  copy_checkout || return
  in_root bash -c '
    cd /checkout
    pg_config --version && g++ --version | head -n 1 && make -s -j"$(nproc)" all || exit
    failed=0
    (source test/lib/server.sh && source test/lib/regress.sh && server_start && regress) || failed=1
    for name; do
      for suite in test/suites/"$name"*.sh; do
        echo "== $suite"
        "$suite" || (($? == 77)) || failed=1
      done
    done
    exit "$failed"' bash "$@"
}

versions=()
while [[ ${1:-} =~ ^[0-9]+$ ]]; do
  if [[ ! -v RELEASE[$1] ]]; then
    echo "versions.sh: of PostgreSQL $1 it knows no release; it knows ${!RELEASE[*]}" >&2
    exit 2
  fi
  versions+=("$1")
  shift
done
if ((${#versions[@]} == 0)); then versions=(14 15 16 17 18 19); fi

passed=0 failed=0
for version in "${versions[@]}"; do
  root=$folder/$version
  printf '\n==== PostgreSQL %s on %s ====\n' "$version" "${RELEASE[$version]}"
  if [[ ! -e $root/ready ]]; then
    echo "Making the chroot; $folder/$version.log tells how that goes"
    make_root "$version" "${RELEASE[$version]}" >"$folder/$version.log" 2>&1
  fi
  if run_tests "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
printf '\nversions: %d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
