"""`passwords.py`: what every service of compose.yaml needs to let the others in, made where it is missing.

    passwords.py          make what is missing; runs at every `docker compose up`
    passwords.py show     the monitors' passwords, one `MN password` a line

Below OUTFALL_SECRETS (/secrets) each folder is a volume of its own, mounted by nobody but the service that reads it.
Nothing is printed but names. A monitor that was added to the register gets a password at the next `up`.
"""

import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.config.doc import ConfigDoc
from engine.config.document import read_document
from engine.config.problem import BadFile
from engine.config.validate import validated
from engine.files import CREDENTIALS
from engine.intake.credentials import Credentials
from engine.registry_files.load import read_drafts

from secret_files import made_once, own, write  # isort: skip

OUTFALL, MOSQUITTO, POSTGRES, GRAFANA, ROOT = 10001, 1883, 0, 472, 0
"""The users that read the files, as the images number them. PostgreSQL reads its own as root, before it steps down."""

SERVANTS = {"bridge": "outfall-bridge", "doctor": "outfall-doctor"}
"""Outfall's own logins at the broker, as docker/mosquitto/acl knows them, by the file of their password."""

ROUNDS = 20_000
"""Of PBKDF2, for the password file of Mosquitto; it is asked once a connection."""


def make(root: Path, config: Path, data: Path) -> list[str]:
    """Make every missing secret below `root` and the logins of the embedded endpoint in `data`; the MNs that are new."""
    made_once(root / "outfall/postgres", OUTFALL)
    copy(root / "outfall/postgres", root / "postgres/password", POSTGRES)
    servants = {login: made_once(root / "outfall" / name, OUTFALL) for name, login in SERVANTS.items()}
    made_once(root / "grafana/admin", GRAFANA)
    passwords, new = monitors(root / "monitors/passwords", config, data)
    write(root / "mosquitto/passwd", password_file({**passwords, **servants}), MOSQUITTO)
    return new


def monitors(file: Path, config: Path, data: Path) -> tuple[dict[str, str], list[str]]:
    """The password of every monitor of the register, and the MNs that had none. It opens both doors, broker and endpoint."""
    known = shown(file)
    wanted = registered(config)
    new = [mn for mn in wanted if mn not in known]
    if new:
        known |= Credentials(data / CREDENTIALS).add_many(dict.fromkeys(new, ()))
        write(file, "".join(f"{mn} {password}\n" for mn, password in sorted(known.items())), ROOT)
    for written in data.glob(f"{CREDENTIALS}*"):
        own(written, OUTFALL)
    return {mn: known[mn] for mn in wanted}, new


def shown(file: Path) -> dict[str, str]:
    """MN -> password, as the file says; empty where there is none."""
    rows = file.read_text("utf-8").splitlines() if file.exists() else []
    return dict(row.split(" ", 1) for row in rows)


def registered(config: Path) -> list[str]:
    """The MNs of the register that a configuration names. BadFile where it cannot be read.

    The configuration is not checked as a whole: the secrets that it names are what is being made.
    """
    doc, _, problems = validated(read_document(config), ConfigDoc)
    if doc is None:
        raise BadFile(problems)
    draft, problems = read_drafts(config.parent / path for path in doc.registry)
    if problems:
        raise BadFile(problems)
    return sorted({row.model.mn for row in draft.monitors})


def copy(source: Path, target: Path, owner: int) -> None:
    """The same secret for another reader."""
    write(target, source.read_text("utf-8"), owner)


def password_file(logins: Mapping[str, str]) -> str:
    """A password file as `mosquitto_passwd` writes it: PBKDF2 with SHA-512, a salt for each."""
    return "".join(f"{name}:{hashed(password, secrets.token_bytes(12))}\n" for name, password in sorted(logins.items()))


def hashed(password: str, salt: bytes) -> str:
    """One password in Mosquitto's form."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return f"$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def main(words: Iterable[str]) -> int:
    """Run as the one-shot service `passwords`."""
    root = Path(os.environ.get("OUTFALL_SECRETS", "/secrets"))
    if list(words) == ["show"]:
        print(*(f"{mn} {password}" for mn, password in shown(root / "monitors/passwords").items()), sep="\n")
        return 0
    config = Path(os.environ.get("OUTFALL_CONFIG", "/etc/outfall/config.yaml"))
    data = Path(os.environ.get("OUTFALL_DATA", "/var/lib/outfall"))
    try:
        new = make(root, config, data)
    except BadFile as error:
        print(error, file=sys.stderr)
        return 3
    print(f"passwords: {len(new)} new monitors" + "".join(f"\n  {mn}" for mn in new))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
