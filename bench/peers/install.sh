#!/usr/bin/env bash
# Installs the servers that bench/peers/run.py measures beside Halley. None is started, and none is
# needed for anything else: run.py leaves out what is not there.
#
# usage: bench/peers/install.sh [nchan|nats|redis|centrifugo|chart]...   (all but centrifugo)
#   nchan nats redis  Debian packages
#   centrifugo        built by the go command by module name, into build/peers; needs Go 1.22 or newer
#   chart             what draws charts
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

CENTRIFUGO=github.com/centrifugal/centrifugo/v5
CENTRIFUGO_VERSION=v5.4.9

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

debian() {
  export DEBIAN_FRONTEND=noninteractive
  # While packages are installed nothing is started: a policy of our own, unless there is one.
  local policy=/usr/sbin/policy-rc.d ours=false
  if [[ ! -e $policy ]]; then
    ours=true
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
    as_root chmod +x "$policy"
  fi
  local status=0
  as_root apt-get install -y -q --no-install-recommends "$@" || status=$?
  if $ours; then as_root rm "$policy"; fi
  return $status
}

# As a dependency of an empty module: go install would also ask for the list of all versions, which
# not every module proxy gives.
centrifugo() {
  local folder
  folder=$(mktemp -d)
  (
    cd "$folder"
    go mod init fan
    go mod edit -require "$CENTRIFUGO@$CENTRIFUGO_VERSION"
    GOFLAGS=-mod=mod go build -o "$root/build/peers/centrifugo" "$CENTRIFUGO"
  )
  rm -rf "$folder"
}

[[ $# -gt 0 ]] || set -- nchan nats redis chart
for each in "$@"; do
  case $each in
    nchan) debian nginx-light libnginx-mod-nchan ;;
    nats) debian nats-server ;;
    redis) debian redis-server ;;
    chart) debian python3-matplotlib ;;
    centrifugo) centrifugo ;;
    *) sed -n '5,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
