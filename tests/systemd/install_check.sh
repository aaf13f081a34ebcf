#!/usr/bin/env bash
# deploy/install.sh for real, in a box with a systemd and without a network: install, change the config, upgrade, break
# the config, uninstall, purge. The packages come from a folder of wheels that is filled first, outside the box.
#
#   install_check.sh [WHEELS]     WHEELS: a folder to keep the wheels in, for the next run
#
# Closes with "N passed, N failed". Skips (exit 0, said) where no box can be made.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=/usr/bin/python3
passed=0 failed=0

skip() { echo "install_check: skipped: $*"; exit 0; }
reason=$("$here/box.sh" can) || skip "$reason"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || skip "$python is no Python 3.11 or newer"
"$python" -c 'import ensurepip, venv' 2>/dev/null || skip "python3-venv is missing"

scratch=$(mktemp -d)
wheels=${1:-$scratch/wheels}
box=$scratch/box
finish() {
    "$here/box.sh" down "$box" || true
    rm -rf "$scratch"
}
trap finish EXIT

inside() { "$here/box.sh" run "$box" "$@"; }
ok() {
    local what=$1
    shift
    if "$@" >"$scratch/out" 2>&1; then
        echo "ok    $what"
        passed=$((passed + 1))
    else
        echo "FAIL  $what: $*"
        sed 's/^/      /' "$scratch/out"
        failed=$((failed + 1))
    fi
}
not() { ! "$@"; }
show() { inside systemctl show -P "$1" monitor; }
is() { [ "$(show "$1")" = "$2" ] || { echo "$1 is $(show "$1"), not $2"; inside journalctl -u monitor -n 20 -o cat --no-pager; return 1; }; }

# --- wheels for this Python, the ones that build the package among them
mkdir -p "$wheels"
if ! ls "$wheels"/hatchling-*.whl >/dev/null 2>&1; then
    "$python" -m venv "$scratch/venv"
    "$scratch/venv/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --require-hashes \
        --wheel-dir "$wheels" -r "$root/requirements.lock"
    awk -f "$root/deploy/build.awk" "$root/requirements-dev.lock" >"$scratch/build.lock"
    "$scratch/venv/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --require-hashes \
        --wheel-dir "$wheels" -r "$scratch/build.lock"
fi

# --- a checkout as a user has it, in a box
mkdir -p "$box/files/srv/checkout"
cp -r "$root"/{monitor,deploy,docs,config.yaml,pyproject.toml,README.md,LICENSE} "$root"/requirements*.lock "$box/files/srv/checkout/"
find "$box/files/srv/checkout" -name __pycache__ -type d -exec rm -rf {} +
chmod 755 "$box/files" "$box/files/srv"
echo "$(realpath "$wheels") /srv/wheels" >"$box/binds"
"$here/box.sh" up "$box"
export BOX_ENV="PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels PIP_NO_CACHE_DIR=1"
install=/srv/checkout/deploy/install.sh

began=$SECONDS
ok "install.sh installs without a network" inside "$install"
echo "      ($((SECONDS - began)) s)"
ok "the service is active" is ActiveState active
ok "its log says that it started" inside sh -c 'journalctl -u monitor -o cat | grep -q "started store=/var/lib/monitor/monitor.db"'
ok "the config is valid" inside monitor check-config
ok "monitor status works for root, wherever he stands" inside sh -c 'cd /root && monitor status | grep -q "^feeds "'
ok "monitor status works for the service's user" inside sh -c 'cd /root && runuser -u monitor -- monitor status | grep -q "^feeds "'
ok "monitor status works for an analyst in the group" inside sh -c \
    'useradd --groups monitor analyst && cd / && runuser -u analyst -- monitor status | grep -q "^feeds "'
ok "and not for somebody else" inside sh -c 'useradd other && cd / && ! runuser -u other -- monitor status'
ok "root's commands write as the service's user" inside sh -c \
    'monitor alerts send-test && [ "$(stat -c %U /var/lib/monitor/mail/new/*)" = monitor ]'
ok "a backup can be made while it runs" inside monitor backup /var/lib/monitor/backup.db
inside systemctl stop monitor
ok "a status tells when the daemon was last heard of" inside sh -c 'monitor status | grep -q "^last cycle .*by monitor run"'
ok "the backup can be put in place of the store" inside sh -ec '
    cd /var/lib/monitor && rm -f monitor.db-wal monitor.db-shm && install -o monitor -g monitor -m 640 backup.db monitor.db
    systemctl start monitor && monitor status | grep "^store .*monitor.db"'
ok "the password files are for root only" inside sh -c '[ "$(stat -c "%U %a" /etc/monitor/*_password | uniq -c | tr -s " ")" = " 2 root 600" ]'
ok "nothing in the state folder belongs to another" inside sh -c '[ -z "$(find /var/lib/monitor ! -user monitor)" ]'
ok "the packages are read-only for the service" inside sh -c '[ -z "$(find /opt/monitor -user monitor)" ]'
ok "no build left a trace in the checkout" inside sh -c '[ ! -e /srv/checkout/build ] && [ ! -e /srv/checkout/dist ]'

mail='alerts: {email: {host: 127.0.0.1, username: m, from: m@sample.example, to: [d@sample.example]}}'
inside sh -c "sed -i 's/^alerts:/_alerts:/; /^_alerts:/,/^ *max_age/d' /etc/monitor/config.yaml; echo '$mail' >>/etc/monitor/config.yaml"
ok "mail without a password is a config error" not inside monitor check-config
inside sh -c 'echo secret >/etc/monitor/smtp_password; echo "# changed by the operator" >>/etc/monitor/config.yaml'
ok "mail with a password that only root can read is none" inside monitor check-config
ok "no copy of the password is left" inside sh -c '! ls -d /run/monitor-*'
before=$(show MainPID)
ok "install.sh again is an upgrade" inside "$install"
ok "the config stays" inside grep -q "# changed by the operator" /etc/monitor/config.yaml
ok "the password stays" inside grep -q secret /etc/monitor/smtp_password
ok "the service runs anew" sh -c "[ \"$(show MainPID)\" != $before ]"
ok "the service is active" is ActiveState active
ok "two versions are kept" inside sh -c '[ "$(ls /opt/monitor/versions | wc -l)" = 2 ]'

inside sh -c 'echo "feds: []" >>/etc/monitor/config.yaml'
before=$(show MainPID)
ok "an upgrade that cannot use the config fails" not inside "$install"
ok "and leaves the running one alone" sh -c "[ \"$(show MainPID)\" = $before ]"
ok "and the code as it was" inside sh -c '[ "$(ls /opt/monitor/versions | wc -l)" = 2 ] && monitor --version'

ok "--uninstall removes the service" inside "$install" --uninstall
ok "no unit is left" sh -c "[ \"$(show LoadState)\" = not-found ]"
ok "no process is left" not inside pgrep -u monitor
ok "no code is left" inside sh -c '[ ! -e /opt/monitor ] && [ ! -e /usr/local/bin/monitor ]'
ok "config, password and store stay" inside sh -c 'cd /etc/monitor && ls config.yaml smtp_password /var/lib/monitor/monitor.db'
ok "--purge removes the rest" inside "$install" --purge
ok "no data is left" inside sh -c '[ ! -e /etc/monitor ] && [ ! -e /var/lib/monitor ] && ! id monitor'
ok "--uninstall where nothing is installed is no error" inside "$install" --uninstall

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
