"""The configuration of the bot's own NATS server: TLS, who may connect, and where files wait."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cluster.protocol.encoding import MAX_PAYLOAD
from engine.cluster.protocol.subjects import (
    FILES_API,
    FROM_WORKERS,
    JOBS_API,
    JOBS_TAKEN,
    TO_WORKERS,
    may_publish,
    permissions,
    to_worker,
)
from engine.cluster.server.certificate import Certificate

BOT = "bot"
"""The account of the bot."""

MAX_FILE_STORE = 16 * 10**9
"""Bytes on disk of files that wait for workers."""


def server_config(
    folder: Path,
    name: str,
    host: str,
    port: int,
    certificate: Certificate,
    bot: str,
    workers: Mapping[str, str],
) -> str:
    """The text of the configuration file.

    Args:
        folder: Where the server keeps what it needs.
        name: What it says that it's called.
        host: Address to listen on.
        port: The same.
        certificate: What it shows to clients.
        bot: The bot's public key; it may do anything.
        workers: The public keys of the workers by name; they may do little.
    """
    accounts = {BOT: _bots_account(bot)}
    for worker, key in sorted(workers.items()):
        accounts[f"worker-{worker}"] = _workers_account(worker, key)
    config = {
        "server_name": name,
        "host": host,
        "port": port,
        "max_payload": MAX_PAYLOAD,
        "ping_interval": "10s",
        "tls": {"cert_file": str(certificate.file), "key_file": str(certificate.key_file)},
        "jetstream": {
            "store_dir": str(folder / "jetstream"),
            "max_memory_store": 2**26,
            "max_file_store": MAX_FILE_STORE,
        },
        "authorization": {"timeout": 5},
        "accounts": accounts,
        "pid_file": str(folder / "server.pid"),
        "log_file": str(folder / "server.log"),
        "logfile_size_limit": 5_000_000,
        "logfile_max_num": 2,
    }
    return json.dumps(config, indent=2)  # which is a form of NATS's own syntax


def _bots_account(key: str) -> dict[str, Any]:
    """That of the bot, which has the streams, and lends workers a way to their own part of them."""
    return {
        "jetstream": "enabled",
        "users": [{"nkey": key}],
        "exports": [
            {"service": FROM_WORKERS},
            {"stream": TO_WORKERS},
            {"service": JOBS_API, "response_type": "stream"},
            {"service": JOBS_TAKEN},
            {"service": FILES_API},
        ],
    }


def _workers_account(name: str, key: str) -> dict[str, Any]:
    """A worker's own, in which it is alone.

    An answer of the server goes to the subject that is asked for, and permissions aren't checked
    for that one. In the account of the bot it could be a command to the server, such as to delete
    a stream; here it's a subject that nobody else hears.
    """

    def of_bot(subject: str) -> dict[str, str]:
        return {"account": BOT, "subject": subject}

    return {
        "users": [{"nkey": key, "permissions": permissions(name)}],
        "imports": [
            {"stream": of_bot(to_worker(name))},
            *({"service": of_bot(subject)} for subject in may_publish(name)),
        ],
    }
