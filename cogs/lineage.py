"""Where a picture comes from: a link to the message of the one that it goes on from."""

from cogs.home import Home
from engine import Job, Studio, UnknownJob


async def origin(studio: Studio, job: Job) -> str:
    """“from picture 2 of job 7”, linked where that message is known; empty without a parent."""
    if job.parent is None:
        return ""
    words = f"from picture {job.parent.number + 1} of job {job.parent.job_id}"
    try:
        home = Home.from_json((await studio.job(job.parent.job_id)).home)
    except UnknownJob:
        return words
    return f"[{words}]({home.link})" if home.message_id is not None else words
