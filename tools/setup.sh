#!/usr/bin/env bash
# Installs the Debian packages that are missing, and says which and why. Does nothing, at once, when
# all are there.
#
# usage: tools/setup.sh GROUP...
#   product  what it takes to build the programs
#   test     what it takes to build and run the tests
#   e2e      other people's clients for the end-to-end tests, which skip what is not there: failing
#            to install these is no error
set -euo pipefail

# group|package|program that stands for it, or - for the package itself|why
PACKAGES='
product|g++|g++|C++ compiler
product|meson|meson|build system
product|ninja-build|ninja|build system
product|pkg-config|pkg-config|finds libraries
product|cmake|cmake|finds mimalloc, which has no pkg-config file
product|liburing-dev|-|io_uring
product|libmimalloc-dev|-|memory allocator
product|libabsl-dev|-|containers, status, strings
product|libprotobuf-dev|-|push requests
product|protobuf-compiler|protoc|push requests
product|libgrpc++-dev|-|the comet service of goim
product|protobuf-compiler-grpc|grpc_cpp_plugin|the comet service of goim
product|libssl-dev|-|WebSocket handshake, secrets
product|zlib1g-dev|-|WebSocket compression
product|libcurl4-openssl-dev|-|fetching key sets
product|ca-certificates|-|fetching key sets over https
product|libtomlplusplus-dev|-|configuration files
product|libsimdjson-dev|-|login tokens
product|libspdlog-dev|-|logs
product|libcpp-httplib-dev|-|metrics, health and pushes over HTTP
test|libgtest-dev|-|tests
test|libgmock-dev|-|tests
test|libbenchmark-dev|-|benchmarks
test|libnghttp2-dev|-|a load of gRPC calls
test|python3|python3|scripts among the tests
test|openssl|openssl|certificates for tests
e2e|nodejs|node|JavaScript clients
e2e|npm|npm|JavaScript clients
e2e|chromium|chromium|a browser
'

# Prints "package (why)" for each package of the group that is missing.
missing() {
  local group package program why
  while IFS='|' read -r group package program why; do
    [[ $group == "$1" ]] || continue
    if [[ $program == - ]]; then
      [[ $installed == *" $package "* ]] || echo "$package ($why)"
    else
      command -v "$program" > /dev/null || echo "$package ($why)"
    fi
  done <<< "$PACKAGES"
}

# Prints the group's libraries that are installed, with spaces around each.
installed_packages() {
  local libraries
  libraries=$(awk -F'|' '$3 == "-" { print $2 }' <<< "$PACKAGES")
  # shellcheck disable=SC2086  # one word per package
  dpkg-query -W -f='${db:Status-Status} ${Package}\n' $libraries 2> /dev/null \
    | awk '$1 == "installed" { printf " %s ", $2 }' || true
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

install() {
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  # An update that fails (a mirror is down) need not matter: the install tells.
  if { as_root apt-get update -q || true
       as_root apt-get install -y -q --no-install-recommends \
         -o DPkg::Lock::Timeout=300 "$@"; } > "$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
  return 1
}

setup() {
  local group=$1 lines names=()
  lines=$(missing "$group")
  [[ -n $lines ]] || return 0
  mapfile -t names < <(cut -d' ' -f1 <<< "$lines")
  if ! command -v apt-get > /dev/null; then
    echo "setup: these Debian packages seem to be missing, and apt-get is not here to install" \
      "them: ${names[*]}" >&2
    return 1
  fi
  if [[ $(id -u) != 0 ]] && ! command -v sudo > /dev/null; then
    echo "setup: packages are missing and sudo is not here: as root, run" \
      "'apt-get install ${names[*]}'" >&2
    return 1
  fi
  echo "setup: installing Debian packages:"
  printf '  %s\n' "${lines//$'\n'/$'\n'  }"
  install "${names[@]}"
}

installed=$(installed_packages)
for group in "$@"; do
  case $group in
    product | test) setup "$group" ;;
    e2e) setup e2e || echo "setup: going on without them; the tests that need them are skipped" ;;
    *) echo "setup: no such group: $group" >&2; exit 2 ;;
  esac
done
