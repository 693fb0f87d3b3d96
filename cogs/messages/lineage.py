"""Where a picture comes from: a link to the message of the one that it goes on from."""

from cogs.message_ref import MessageRef
from cogs.policy.visibility import jump_url
from engine import Job, Studio, UnknownJob
from speech import say


async def parent_link(studio: Studio, job: Job) -> str:
    """“from picture 2 of job 7”, linked where that message is known; empty without a parent."""
    if job.parent is None:
        return ""
    words = say(
        "from picture {picture} of job {job}",
        picture=job.parent.number + 1,
        job=job.parent.job_id,
    )
    try:
        message_ref = MessageRef.from_json((await studio.job(job.parent.job_id)).message_ref)
    except UnknownJob:
        return words
    shown = not message_ref.private or MessageRef.from_json(job.message_ref).private
    link = jump_url(message_ref) if shown else None
    return f"[{words}]({link})" if link else words
