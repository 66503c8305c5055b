# Shared by ./run, ./test and bench/run: where things are, and what the machine must have.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
OUT=$ROOT/out
case $(uname -m) in
  x86_64) RID=linux-x64;;
  aarch64) RID=linux-arm64;;
  *) RID=linux-$(uname -m);;
esac
VTPM=$OUT/vtpm
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=1

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# need COMMAND PACKAGE ... installs the Debian packages whose command is not there.
need() {
  local missing=()
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null 2>&1 || missing+=("$2")
    shift 2
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing and only root can install them: ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || fail "apt-get install ${missing[*]}"
}

need_sdk() {
  command -v dotnet >/dev/null 2>&1 || fail "the .NET 10 SDK is not installed: see https://dotnet.microsoft.com/download/dotnet/10.0"
}

# The C toolchain that native AOT links with, and OpenSSL at run time.
need_toolchain() {
  need_sdk
  need gcc gcc ld binutils
  # gcc only recommends the C library's files to link with.
  case $(gcc -print-file-name=crt1.o) in /*) ;; *) need_package libc6-dev;; esac
  echo '#include <zlib.h>' | gcc -x c -E - >/dev/null 2>&1 || need_package zlib1g-dev
  need_libcrypto
}

# OpenSSL 3, which is looked for at run time. ldconfig is not on every user's path.
need_libcrypto() {
  PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep 'libcrypto\.so\.3' >/dev/null || need_package libssl3
}

need_package() {
  [ "$(id -u)" = 0 ] || fail "the Debian package $1 is missing and only root can install it"
  say "installing $1"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null || fail "apt-get install $1"
}

# The executable, native. AOT warnings are errors.
publish() {
  need_toolchain
  say "publishing vtpm (native AOT; about a minute)"
  dotnet publish "$ROOT/src/Vtpm.Cli" -c Release -r "$RID" -o "$OUT" -warnaserror --nologo -v quiet || fail "dotnet publish"
  [ -x "$VTPM" ] || fail "no executable came out of the publish"
  ls -l "$VTPM" | awk '{print "out/vtpm: " $5 " bytes"}'
}

# The executable, published again only when a source is newer.
publish_if_needed() { is_newest "$VTPM" || publish; }

# The executable without any library, for a stub domain. Building it takes the archives of OpenSSL and the C library, and cmake for what ties them to
# .NET.
publish_static() {
  need_toolchain
  need cmake cmake make make
  echo '#include <openssl/crypto.h>' | gcc -x c -E - >/dev/null 2>&1 || need_package libssl-dev
  say "publishing vtpm, static (native AOT; about a minute)"
  dotnet publish "$ROOT/src/Vtpm.Cli" -c Release -r "$RID" -o "$OUT/static" -p:Flavour=static --nologo -v quiet || fail "dotnet publish"
  [ -x "$OUT/static/vtpm" ] || fail "no executable came out of the publish"
}

publish_static_if_needed() { is_newest "$OUT/static/vtpm" || publish_static; }

# is_newest EXECUTABLE: whether no source is newer.
is_newest() {
  [ -x "$1" ] && [ -z "$(find "$ROOT/src" "$ROOT"/Directory.*.props "$ROOT/global.json" \( -name '*.cs' -o -name '*.csproj' -o -name '*.props' -o -name '*.json' \) -not -path '*/obj/*' -not -path '*/bin/*' -newer "$1" -print -quit)" ]
}

# The TCG software stack and its tools. tcsd's place is not on every user's path.
need_tpm_tools() {
  PATH=$PATH:/usr/sbin:/sbin
  need pgrep procps tcsd trousers tpm_version tpm-tools tpm_mkaik tpm-quote-tools python3 python3
}
