"""The stream of jobs: a message for each one that a worker has asked for, until it fetches it.

The queue is the bot's own. What lies in the stream at its start is from an earlier run, whose jobs
are in the queue again, so it is thrown away.
"""

from typing import TYPE_CHECKING

from engine.cluster.protocol.subjects import JOB_SUBJECTS, JOBS, jobs_of

if TYPE_CHECKING:
    from nats.aio.client import Client

FETCHED_SECONDS = 5.0
"""How long a fetched job may go without a receipt before it is given to its worker again."""

MOST_FETCHED = 128


async def open_jobs(client: "Client") -> None:
    """Have an empty stream of jobs. Raises `Error` of NATS."""
    from nats.js.api import RetentionPolicy, StreamConfig
    from nats.js.errors import BadRequestError

    js = client.jetstream()
    config = StreamConfig(name=JOBS, subjects=[JOB_SUBJECTS], retention=RetentionPolicy.WORK_QUEUE)
    try:
        await js.add_stream(config)
    except BadRequestError:  # one with another configuration, of another version
        await js.delete_stream(JOBS)
        await js.add_stream(config)
    await js.purge_stream(JOBS)


async def open_worker(client: "Client", worker: str) -> None:
    """Let a worker fetch its jobs; there are none yet. Raises `Error` of NATS."""
    from nats.js.api import AckPolicy, ConsumerConfig
    from nats.js.errors import NotFoundError

    js = client.jetstream()
    try:
        await js.purge_stream(JOBS, subject=jobs_of(worker))
    except NotFoundError:  # the server has lost it
        await open_jobs(client)
    await js.add_consumer(
        JOBS,
        ConsumerConfig(
            durable_name=worker,
            filter_subject=jobs_of(worker),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=FETCHED_SECONDS,
            max_ack_pending=MOST_FETCHED,
        ),
    )


async def has_waiting(client: "Client", worker: str) -> bool:
    """Whether jobs wait for a worker, or for its receipt. Raises `Error` of NATS."""
    found = await client.jetstream().consumer_info(JOBS, worker)
    return bool(found.num_pending or found.num_ack_pending)


async def drop_waiting(client: "Client", worker: str) -> None:
    """Throw away what a worker hasn't fetched. Without a connection it's done at its next hello."""
    from nats.errors import Error

    try:
        await client.jetstream(timeout=1).purge_stream(JOBS, subject=jobs_of(worker))
    except (Error, OSError):
        return
