#!/bin/sh
# Installs the monitor as a systemd service: code in /opt/monitor, config in /etc/monitor, data in /var/lib/monitor.
# Safe to run again: that is the upgrade, and keeps config and data. Needs root, systemd, Python >= 3.11 with venv.
#   deploy/install.sh                 install or upgrade, and start
#   deploy/install.sh --no-start      the same without starting
#   deploy/install.sh --neural        with the neural sentiment scorer (larger)
#   deploy/install.sh --uninstall     remove the service and the code; config and data stay
#   deploy/install.sh --purge         remove everything: config, mails and the store too
set -eu
umask 022

here=$(cd "$(dirname "$0")/.." && pwd)
cd /
prefix=/opt/monitor
python=${PYTHON:-/usr/bin/python3}
start=yes uninstall=no purge=no lock=requirements.lock

say() { echo "install.sh: $*"; }
fail() { echo "install.sh: $*" >&2; exit 1; }

for option in "$@"; do
    case $option in
        --no-start) start=no ;;
        --neural) lock=requirements-neural.lock ;;
        --uninstall) uninstall=yes ;;
        --purge) uninstall=yes purge=yes ;;
        *) echo "install.sh: unknown option $option" >&2; sed -n "2,9s/^# \{0,1\}//p" "$here/deploy/install.sh" >&2; exit 2 ;;
    esac
done

[ "$(id -u)" = 0 ] || fail "run it as root"
command -v systemctl >/dev/null || fail "there is no systemd here"

if [ "$uninstall" = yes ]; then
    systemctl disable --quiet --now monitor.service 2>/dev/null || true
    rm -f /etc/systemd/system/monitor.service /etc/sysusers.d/monitor.conf /etc/tmpfiles.d/monitor.conf
    rm -f /usr/local/bin/monitor
    rm -rf "$prefix"
    systemctl daemon-reload
    systemctl reset-failed monitor.service 2>/dev/null || true
    if [ "$purge" = yes ]; then
        rm -rf /etc/monitor /var/lib/monitor /etc/systemd/system/monitor.service.d
        if id monitor >/dev/null 2>&1; then userdel monitor; fi
        say "removed, with config and data"
    else
        say "removed; the config stays in /etc/monitor, the data in /var/lib/monitor (--purge removes them)"
    fi
    exit 0
fi

# ProtectHome hides /home and /root from the service: a Python from there (pyenv, uv) cannot start
case $(readlink -f "$python") in
    /home/* | /root/*) fail "$python lies in a home folder, where the service cannot see it; use PYTHON=/usr/bin/python3" ;;
esac
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python is missing or older than Python 3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "Python's venv is missing: apt-get install python3-venv"

say "user and folders"
install -D -m 644 "$here/deploy/monitor.sysusers" /etc/sysusers.d/monitor.conf
install -D -m 644 "$here/deploy/monitor.tmpfiles" /etc/tmpfiles.d/monitor.conf
systemd-sysusers /etc/sysusers.d/monitor.conf
systemd-tmpfiles --create /etc/tmpfiles.d/monitor.conf

# each version in a folder of its own, switched by a link: one that fails to install leaves the running one alone
new=$prefix/versions/$(date -u +%Y%m%dT%H%M%SZ)
old=$(readlink "$prefix/venv" 2>/dev/null || true)
tools=$(mktemp -d)
switched=no
leave() {
    rm -rf "$tools"
    [ "$switched" = yes ] || rm -rf "$new"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

say "code in $new (this takes a minute or two)"
install -d -m 755 "$prefix" "$prefix/versions" "$prefix/share/docs"
"$python" -m venv "$new"
pip() { "$new/bin/python" -m pip --quiet --disable-pip-version-check --no-input "$@"; }
pip install --require-hashes -r "$here/$lock"
# what builds our own package is pinned by hash too
awk -f "$here/deploy/build.awk" "$here/requirements-dev.lock" >"$tools/build.lock"
pip install --require-hashes --target "$tools/build" -r "$tools/build.lock"
cp -r "$here/pyproject.toml" "$here/README.md" "$here/LICENSE" "$here/monitor" "$tools/" # builds leave no trace in the checkout
PYTHONPATH=$tools/build pip install --no-deps --no-build-isolation "$tools"

if [ ! -e /etc/monitor/config.yaml ]; then
    # the service's paths in place of those of a checkout
    sed -e 's|\./var/monitor\.db|/var/lib/monitor/monitor.db|' -e 's|\./var/mail|/var/lib/monitor/mail|' \
        -e 's|\./var/replies|/var/lib/monitor/replies|' "$here/config.yaml" >/etc/monitor/config.yaml
    say "the config is /etc/monitor/config.yaml: set alerts.email there; the password goes to /etc/monitor/smtp_password"
fi
CREDENTIALS_DIRECTORY=/etc/monitor "$new/bin/monitor" check-config -c /etc/monitor/config.yaml ||
    fail "the new version cannot use this config; nothing was changed: put it right and run this again"

ln -s "versions/${new##*/}" "$prefix/venv.new"
mv -T "$prefix/venv.new" "$prefix/venv"
switched=yes
install -D -m 755 "$here/deploy/monitor.sh" /usr/local/bin/monitor
rm -rf "$prefix/share/docs"
cp -r "$here/docs" "$prefix/share/docs"
install -m 644 "$here/deploy/monitor.service" /etc/systemd/system/monitor.service
systemctl daemon-reload
systemctl enable --quiet monitor.service

if [ "$start" = yes ]; then
    if ! systemctl restart monitor.service; then
        journalctl --unit=monitor --lines=20 --no-pager --output=cat >&2 || true
        [ -z "$old" ] || say "the version before is still there: ln -sfn $old $prefix/venv; systemctl restart monitor" >&2
        fail "it does not start; the reason is above"
    fi
    say "running; look with: systemctl status monitor, journalctl -u monitor, monitor status"
else
    say "installed; start with: systemctl start monitor"
fi

# the version before stays, the others go
for version in "$prefix"/versions/*; do
    case $version in
        "$new" | "$prefix/$old") ;;
        *) rm -rf "$version" ;;
    esac
done
