"""The subjects of NATS on which the bot and a worker talk, and what a worker may do with them.

The server checks these permissions, so the last part of a subject says who has sent a message.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""What a worker may be called; it is part of subjects."""

JOBS = "ATELIER_JOBS"
"""The stream of jobs: each stays until its worker has taken it."""

JOB_SUBJECTS = "atelier.jobs.*"
FROM_WORKERS = "atelier.from.*"
TO_WORKERS = "atelier.to.*"

JOBS_API = f"$JS.API.CONSUMER.MSG.NEXT.{JOBS}.*"
JOBS_TAKEN = f"$JS.ACK.{JOBS}.>"
FILES_API = "$JS.API.DIRECT.GET.*"
"""What workers ask the server for: their next job, to strike it off, and their files."""

BOT_INBOX = "_INBOX_bot"


def from_worker(name: str) -> str:
    """Where a worker's messages go."""
    return f"atelier.from.{name}"


def to_worker(name: str) -> str:
    """Where messages to a worker go, but for jobs."""
    return f"atelier.to.{name}"


def jobs_of(name: str) -> str:
    """Where jobs for a worker wait until it fetches them."""
    return f"atelier.jobs.{name}"


CROSSED = "_R_."
"""How the subjects begin that stand for those of another account. No client may use one."""


FROM_ACCOUNT = "Nats-Request-Info"
"""The header that the server adds to what comes from another account."""


def is_answer_to(name: str, subject: str) -> bool:
    """Whether what is sent to a subject reaches that worker, and nobody else."""
    return subject.startswith((f"{inbox_of(name)}.", CROSSED))


def inbox_of(name: str) -> str:
    """How the subjects begin on which a worker is answered."""
    return f"_INBOX_worker_{name}"


def sender(subject: str) -> str:
    """The name of the worker that has sent a message on `subject`."""
    return subject.rpartition(".")[2]


def bucket_of(name: str) -> str:
    """The bucket of the object store with files for a worker."""
    return f"atelier-{name}"


def stream_of(name: str) -> str:
    """The stream in which the object store keeps that bucket."""
    return f"OBJ_{bucket_of(name)}"


def about(name: str, digest: str) -> str:
    """The subject of what the object store knows of a file in that bucket."""
    return f"$O.{bucket_of(name)}.M.{base64.urlsafe_b64encode(digest.encode()).decode()}"


def chunks_of(name: str, object_id: str) -> str:
    """The subject of the parts of an object in that bucket."""
    return f"$O.{bucket_of(name)}.C.{object_id}"


def may_publish(name: str) -> list[str]:
    """Where a worker may send something: its reports, and questions for its own jobs and files."""
    return [
        from_worker(name),
        f"$JS.API.CONSUMER.MSG.NEXT.{JOBS}.{name}",
        f"$JS.ACK.{JOBS}.{name}.>",
        f"$JS.API.DIRECT.GET.{stream_of(name)}",
    ]


def permissions(name: str) -> Mapping[str, Any]:
    """What a worker may do, as the configuration of a NATS server has it.

    It gives reports, fetches its own jobs and reads its own files: nothing of other workers.
    """
    return {
        "publish": {"allow": may_publish(name)},
        "subscribe": {"allow": [to_worker(name), f"{inbox_of(name)}.>"]},
    }
