#!/usr/bin/env bash
# A throw-away machine: this machine's own systemd as PID 1 of fresh namespaces, over an overlay of / that is kept in
# memory. Nothing outside changes, and inside there is no network but loopback.
#
#   box.sh can                  exit 0 when a box can be made here; else the reason on stdout and exit 1
#   box.sh up DIR               boot; DIR/files/ is copied over / first, and each line "SOURCE TARGET" of DIR/binds
#                               is mounted there, read-only
#   box.sh run DIR COMMAND...   run a command inside, as root
#   box.sh down DIR             end everything inside and take it away
#
# DIR gets: pid (of the inner PID 1, as this machine counts), cgroup, console.log. A box ends by itself after BOX_LIFE_S.
set -euo pipefail

self=$(realpath "$0")

main() {
    local command=${1:-}
    [ "$#" -gt 0 ] && shift
    case $command in
        can | up | run | down | inside | init) "$command" "$@" ;;
        *) sed -n '2,11s/^# \{0,1\}//p' "$self" >&2; exit 2 ;;
    esac
}

can() {
    no() { echo "$*"; exit 1; }
    [ "$(id -u)" = 0 ] || no "it needs root"
    local program
    for program in unshare nsenter ip dbus-daemon systemctl; do
        command -v "$program" >/dev/null || no "it needs $program"
    done
    [ -x /lib/systemd/systemd ] || no "it needs systemd"
    [ -n "$(cgroup2)" ] || no "no cgroup2 is mounted"
    local trial error
    trial=$(mktemp -d)
    error=$(unshare --fork --pid --mount --uts --ipc --net --cgroup --propagation private bash -euc "
        mount -t tmpfs box '$trial'; mkdir '$trial'/up '$trial'/work '$trial'/root
        mount -t overlay overlay -o lowerdir=/,upperdir='$trial/up',workdir='$trial/work' '$trial/root'" 2>&1) || error=${error:-?}
    rmdir "$trial"
    [ -z "$error" ] || no "no namespaces over an overlay here: $error"
    error=$(mkdir "$(cgroup2)/box-trial-$$" 2>&1 && rmdir "$(cgroup2)/box-trial-$$") || no "no own cgroup here: $error"
}

cgroup2() { awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts; }

up() {
    local dir
    dir=$(realpath -m "$1")
    mkdir -p "$dir"
    rm -f "$dir/pid"
    cgroup="$(cgroup2)/box-$$"
    mkdir "$cgroup"
    echo "$cgroup" >"$dir/cgroup"
    setsid timeout -s KILL "${BOX_LIFE_S:-900}" \
        unshare --fork --kill-child --pid --mount --uts --ipc --net --propagation private \
        bash "$self" inside "$dir" "$cgroup" </dev/null >"$dir/boot.log" 2>&1 &
    wait_for 20 find_pid "$dir" "$cgroup" || { cat "$dir/boot.log" >&2; echo "box.sh: no PID 1" >&2; down "$dir"; exit 1; }
    wait_for 20 booted "$dir" || { tail -n 5 "$dir/console.log" >&2; echo "box.sh: it does not come up" >&2; down "$dir"; exit 1; }
}

wait_for() {
    local left=$(($1 * 20))
    shift
    until "$@"; do
        [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.05
    done
}

# the process that is number 1 inside; it has moved itself to init.scope once it is systemd
find_pid() {
    local pid
    for pid in $(cat "$2/init.scope/cgroup.procs" 2>/dev/null); do
        if [ "$(awk '/^NSpid/ {print $NF}' "/proc/$pid/status" 2>/dev/null)" = 1 ]; then
            echo "$pid" >"$1/pid"
            return 0
        fi
    done
    return 1
}

booted() {
    case $(run "$1" systemctl is-system-running 2>/dev/null) in
        running | degraded) return 0 ;;
        *) return 1 ;;
    esac
}

run() {
    local dir=$1
    shift
    # shellcheck disable=SC2086 # BOX_ENV: several NAME=VALUE
    nsenter -t "$(cat "$dir/pid")" --all env -i --chdir=/ HOME=/root LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${BOX_ENV:-} "$@"
}

down() {
    local cgroup tries
    [ ! -s "$1/pid" ] || kill -9 "$(cat "$1/pid")" 2>/dev/null || true # the end of PID 1 is the end of all inside
    cgroup=$(cat "$1/cgroup" 2>/dev/null) || return 0
    for tries in $(seq 100); do
        find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
        [ -d "$cgroup" ] || break
        [ "$tries" -lt 50 ] || echo 1 >"$cgroup/cgroup.kill" 2>/dev/null || true
        sleep 0.05
    done
    rm -f "$1/pid" "$1/cgroup"
    rm -rf "$1/mounts"
}

# --- inside the new namespaces --------------------------------------------------------------------------------------

inside() {
    local dir=$1 cgroup=$2 root=$1/mounts/root
    mkdir -p "$dir/mounts"
    mount -t tmpfs box "$dir/mounts"
    mkdir "$dir/mounts/up" "$dir/mounts/work" "$root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/mounts/up,workdir=$dir/mounts/work" "$root"
    [ ! -d "$dir/files" ] || cp -a "$dir/files/." "$root/"
    file_systems "$dir" "$root"
    if [ -f "$dir/binds" ]; then
        while read -r source target; do
            mkdir -p "$root$target"
            mount --bind -o ro "$source" "$root$target"
            mount -o remount,bind,ro "$root$target"
        done <"$dir/binds"
    fi
    # without a machine-id systemd takes this for a first boot and asks questions
    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    echo box >"$root/etc/hostname"
    only_our_units "$root"
    ip link set lo up
    echo $$ >"$cgroup/cgroup.procs"
    exec unshare --cgroup bash "$self" init "$root"
}

file_systems() {
    local dir=$1 root=$2 node
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for node in null zero full random urandom tty; do
        touch "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s /proc/self/fd/0 "$root/dev/stdin"
    ln -s /proc/self/fd/1 "$root/dev/stdout"
    ln -s /proc/self/fd/2 "$root/dev/stderr"
    touch "$dir/console.log" "$root/dev/console"
    mount --bind "$dir/console.log" "$root/dev/console"
}

# no service of this machine starts inside, whatever is installed here: only the journal, dbus and what a test starts
only_our_units() {
    local root=$1 unit
    for unit in "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires; do
        rm -rf "$unit"
    done
    for unit in getty.target console-getty.service systemd-udevd.service systemd-udev-trigger.service \
        systemd-logind.service systemd-networkd.service systemd-resolved.service systemd-timesyncd.service \
        systemd-firstboot.service systemd-binfmt.service systemd-modules-load.service systemd-sysctl.service; do
        ln -sfn /dev/null "$root/etc/systemd/system/$unit"
    done
}

init() {
    local root=$1
    mkdir -p "$root/sys/fs/cgroup"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    cd "$root"
    mkdir -p .outside
    pivot_root . .outside
    umount -l /.outside
    # systemd hands credentials to a service through a mount that has to propagate
    mount --make-rshared /
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=box /lib/systemd/systemd --system --unit=basic.target \
        systemd.log_target=journal </dev/null >/dev/console 2>&1
}

main "$@"
