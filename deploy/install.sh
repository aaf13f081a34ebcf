#!/bin/sh
# Installs the monitor as a systemd service: code in /opt/monitor, config in /etc/monitor, data in /var/lib/monitor.
# Safe to run again: an upgrade keeps config and data. Needs root, systemd, Python >= 3.11 with venv.
#   deploy/install.sh                 install or upgrade, then start
#   deploy/install.sh --no-start      the same without starting
#   deploy/install.sh --neural        with the neural sentiment scorer (larger)
#   deploy/install.sh --uninstall     remove service and code; config and data stay
#   deploy/install.sh --uninstall --purge    remove config and data too
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
prefix=/opt/monitor
python=${PYTHON:-/usr/bin/python3}
start=yes uninstall=no purge=no lock=requirements.lock

for option in "$@"; do
    case $option in
        --no-start) start=no ;;
        --neural) lock=requirements-neural.lock ;;
        --uninstall) uninstall=yes ;;
        --purge) purge=yes ;;
        *) echo "install.sh: unknown option $option" >&2; sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done

say() { echo "install.sh: $*"; }
fail() { echo "install.sh: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "run it as root"

if [ "$uninstall" = yes ]; then
    systemctl disable --now monitor.service 2>/dev/null || true
    rm -f /etc/systemd/system/monitor.service /etc/sysusers.d/monitor.conf /etc/tmpfiles.d/monitor.conf /usr/local/bin/monitor
    rm -rf "$prefix"
    systemctl daemon-reload 2>/dev/null || true
    if [ "$purge" = yes ]; then
        rm -rf /etc/monitor /var/lib/monitor
        userdel monitor 2>/dev/null || true
        say "removed, config and data too"
    else
        say "removed; config stays in /etc/monitor, data in /var/lib/monitor (--purge removes them)"
    fi
    exit 0
fi

# ProtectHome hides /home and /root from the service: a Python from there (pyenv, uv) cannot start
case $(readlink -f "$python") in
    /home/*|/root/*) fail "$python lies in a home folder, where the service cannot see it; use PYTHON=/usr/bin/python3" ;;
esac
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python is older than Python 3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "Python's venv is missing: apt-get install python3-venv"
command -v systemctl >/dev/null || fail "there is no systemd here"

say "user and folders"
install -D -m 644 "$here/deploy/monitor.sysusers" /etc/sysusers.d/monitor.conf
install -D -m 644 "$here/deploy/monitor.tmpfiles" /etc/tmpfiles.d/monitor.conf
systemd-sysusers /etc/sysusers.d/monitor.conf
systemd-tmpfiles --create /etc/tmpfiles.d/monitor.conf

say "code in $prefix (this takes a minute)"
install -d -m 755 "$prefix" "$prefix/share/docs"
# a fresh environment beside the old one, swapped at the end: an upgrade that fails leaves the old one running
rm -rf "$prefix/venv.new"
"$python" -m venv "$prefix/venv.new"
"$prefix/venv.new/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$here/$lock"
"$prefix/venv.new/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$here"
cp -r "$here/docs/." "$prefix/share/docs/"
rm -rf "$prefix/venv.old"
[ -d "$prefix/venv" ] && mv "$prefix/venv" "$prefix/venv.old"
mv "$prefix/venv.new" "$prefix/venv"
# the scripts name the interpreter by its path: write them anew for the final place
sed -i "1s|$prefix/venv.new|$prefix/venv|" "$prefix"/venv/bin/* 2>/dev/null || true
rm -rf "$prefix/venv.old"
ln -sf "$prefix/venv/bin/monitor" /usr/local/bin/monitor

if [ ! -e /etc/monitor/config.yaml ]; then
    # paths of the service in place of those of a checkout
    sed -e 's|\./var/monitor\.db|/var/lib/monitor/monitor.db|' -e 's|\./var/mail|/var/lib/monitor/mail|' \
        "$here/config.yaml" > /etc/monitor/config.yaml
    chmod 644 /etc/monitor/config.yaml
    say "config in /etc/monitor/config.yaml: set alerts.email there; the password goes to /etc/monitor/smtp_password"
fi
/usr/local/bin/monitor check-config -c /etc/monitor/config.yaml

install -m 644 "$here/deploy/monitor.service" /etc/systemd/system/monitor.service
systemctl daemon-reload
systemctl enable --quiet monitor.service
if [ "$start" = yes ]; then
    systemctl restart monitor.service
    say "running; look with: systemctl status monitor, journalctl -u monitor, monitor status"
else
    say "installed; start with: systemctl start monitor"
fi
