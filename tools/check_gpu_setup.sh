#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make gpu` of the committed tree in a fresh Debian 12 root, as far as a machine without an NVIDIA card goes: the program links, and
# each command that wants a card says so in one line. Then the tarball with CUDA, unpacked elsewhere: without a libtorch it says what
# is missing, with one it makes an asset on the CPU. Prints minutes and disk. Needs root, a kernel that lets it mount, 15 GB of disk,
# a 3 GB download and half an hour on two cores. Prints why and exits with 77 (skipped) where a root cannot be made.
# LUCID_GPU_ROOT names a root that an earlier call left, to go on in it.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "skipped  make gpu in a fresh root: $1"
  exit 77
}
[ "$(id -u)" -eq 0 ] || skip "it needs root"
[ ! -e /proc/driver/nvidia/version ] || skip "this machine has an NVIDIA driver, and the check is of one without"
mkdir -p build
tools/install_missing.sh debootstrap >build/gpu-check.log 2>&1 || skip "$(tail -n 1 build/gpu-check.log)"

root=${LUCID_GPU_ROOT:-$(mktemp -d)}
cleanup() { umount "$root/proc" "$root/dev/pts" "$root/dev" 2>/dev/null || true; }
trap cleanup EXIT
if [ ! -e "$root/etc/debian_version" ]; then
  mirror=$(awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; ++i) if ($i ~ /^http/) {print $i; exit}}' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
  debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} >build/gpu-check.log 2>&1 || skip "debootstrap: $(tail -n 1 build/gpu-check.log)"
fi
mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" && mount --bind /dev/pts "$root/dev/pts" || skip "nothing can be mounted here"
# This machine's own settings of apt and pip, such as a proxy and its certificate, hold in the root too.
cp /etc/resolv.conf "$root/etc/"
cp /etc/apt/apt.conf.d/99* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
mkdir -p "$root/etc/ssl/certs" "$root/root/.config/pip"
[ -e "$root/etc/ssl/certs/ca-certificates.crt" ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
for settings in /etc/pip.conf /root/.config/pip/pip.conf; do
  [ ! -e $settings ] || cp $settings "$root$settings"
done
inside() {
  chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$@"
}
disk() { du -sm --one-file-system "$root" | cut -f1; }

inside dpkg --configure -a  # if an earlier call was stopped
inside apt-get update -qq
inside env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends make git >/dev/null 2>&1
[ -e "$root/root/lucid" ] || git clone -q . "$root/root/lucid"
git -C "$root/root/lucid" fetch -q "$PWD" HEAD && git -C "$root/root/lucid" reset -q --hard FETCH_HEAD

# one_line CODE TEXT COMMAND…: its exit code, and that its output is one line with TEXT; make adds a line of its own.
one_line() {
  local code=0 wanted=$1 text=$2
  shift 2
  inside "$@" >build/gpu-check.out 2>&1 || code=$?
  local lines
  lines=$(grep -vc '^make: ' build/gpu-check.out || true)
  if [ $code -ne "$wanted" ] || [ "$lines" -ne 1 ] || ! grep -qF -- "$text" build/gpu-check.out; then
    echo "FAILED: $*: exit code $code for $wanted, wanted one line with \"$text\":"
    cat build/gpu-check.out
    exit 1
  fi
  echo "$*: $(head -n 1 build/gpu-check.out)"
}

begin=$SECONDS before=$(disk)
inside make -C /root/lucid gpu
echo "make gpu: $((SECONDS - begin)) s, $(($(disk) - before)) MB, of which $(du -sm "$root/root/lucid/build/cuda" | cut -f1) wheels and $(du -sm "$root/root/lucid/build/gpu" | cut -f1) build"
lucid=/root/lucid/build/gpu/bin/lucid
inside $lucid info | grep '^CUDA  .*no NVIDIA driver'
one_line 2 "there is no NVIDIA driver" $lucid generate --device cuda "a hamburger"
one_line 2 "there is no NVIDIA driver" $lucid generate --device cuda:7 "a hamburger"
one_line 2 "no NVIDIA driver: a card needs" make -C /root/lucid --no-print-directory gpu-demo
one_line 2 "no NVIDIA driver: a card needs" make -C /root/lucid --no-print-directory gpu-test
begin=$SECONDS
inside make -C /root/lucid gpu >/dev/null
echo "make gpu again: $((SECONDS - begin)) s"

# The tarball, without the page, which wants Node.
inside make -C /root/lucid dist-gpu -o web
inside bash -c 'rm -rf /opt/lucid* && tar -C /opt -xf /root/lucid/build/dist-gpu/lucid-*-cuda.tar.xz && mv /opt/lucid-* /opt/lucid'
one_line 2 "lucid-fetch-cuda fetches it" /opt/lucid/bin/lucid info
inside mv /root/lucid/build/cuda /opt/cuda  # so that nothing is found where it was built
! inside objdump -p /opt/lucid/bin/lucid-engine-cuda | grep -E 'R(UN)?PATH.*(root|opt)' || { echo "FAILED: a run path of this machine"; exit 1; }
inside env LUCID_TORCH_PREFIX=/opt/cuda /opt/lucid/bin/lucid info | grep '^CUDA  .*no NVIDIA driver'
inside env LUCID_TORCH_PREFIX=/opt/cuda /opt/lucid/bin/lucid generate --preset draft --iterations 20 --no-save-video --progress off \
  --output /root/output --overwrite "a hamburger"
inside mv /opt/cuda /root/lucid/build/cuda
cleanup
[ -n "${LUCID_GPU_ROOT:-}" ] || rm -rf "$root"
echo "make gpu: passed"
