#!/bin/sh
# The command `monitor` of an installed service. Root becomes the service's user and gets the service's credentials:
# whatever root itself wrote into /var/lib/monitor, the service might not be able to change.
program=/opt/monitor/venv/bin/monitor
[ "$(id -u)" = 0 ] || exec "$program" "$@"

umask 077
credentials=$(mktemp -d /run/monitor-XXXXXXXX) || exit 1
trap 'rm -rf "$credentials"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cp /etc/monitor/*_password "$credentials/" 2>/dev/null
chown -R monitor:monitor "$credentials"
CREDENTIALS_DIRECTORY=$credentials runuser --user monitor -- "$program" "$@"
