"""Where the password of a login comes from: a file of its own, the environment, or systemd's credentials. Never the
config file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from monitor.errors import NoPassword


def read_password(
    username: str, file: Path | None, *, variable: str, credential: str, environment: Mapping[str, str]
) -> str:
    """The password of ``username``: from ``file``, else the variable, else the credential (a file's name).

    Raises:
        NoPassword: it is nowhere, or its file cannot be read.
    """
    if file:
        return _read(Path(_expand(str(file), environment)))
    if password := environment.get(variable):
        return password
    if folder := environment.get("CREDENTIALS_DIRECTORY"):
        return _read(Path(folder) / credential)
    raise NoPassword(f"no password for {username}: set password_file, {variable}, or a systemd credential {credential}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise NoPassword(f"the password file {path} cannot be read: {error}") from error


def _expand(path: str, environment: Mapping[str, str]) -> str:
    """``${CREDENTIALS_DIRECTORY}/x`` with the variable's value; an unknown variable stays as it is, and is named."""
    return re.sub(r"\$\{(\w+)\}", lambda match: environment.get(match[1], match[0]), path)
