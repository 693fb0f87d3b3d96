"""The context of a request: read once, then everything is checked without the database."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from engine import (
    ImageRequest,
    InvalidRequest,
    ModelDefaults,
    NeedsReview,
    RateLimits,
    Requester,
    Studio,
    Style,
    UserDefaults,
    find_style,
    open_studio,
)
from tests.engine.builders import engine_settings, model_settings

HOUSE = ImageRequest(prompt="a red house")


@pytest.fixture
async def studio(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Studio]:
    models = {name: model_settings(tiny_model) for name in ("tiny", "other")}
    async with open_studio(engine_settings(grace=0.0), models, tmp_path / "data") as studio:
        await studio.stop()  # nothing has to be painted here
        yield studio


@pytest.fixture
async def reads(studio: Studio) -> Callable[[], list[str]]:
    """Gives the SELECTs since it was last called, those in transactions, too."""
    traced: list[str] = []
    connection = studio._store.database._connection
    assert connection is not None
    await connection.set_trace_callback(traced.append)

    def since() -> list[str]:
        found = [sql for sql in traced if sql.lstrip().startswith("SELECT")]
        traced.clear()
        return found

    return since


async def test_a_context_takes_two_reads_and_has_all_that_was_decided(
    studio: Studio, reads: Callable[[], list[str]]
) -> None:
    await studio.use_model("other", "guild:1")
    await studio.server_models.allow("guild:1", ["other"])
    steps = ModelDefaults(num_inference_steps=9)
    await studio.server_models.change_defaults("guild:1", "other", lambda _: steps)
    await studio.moderation.block_word("guild:1", "gore")
    await studio.moderation.review_word("guild:1", "blood")
    block = await studio.moderation.block("guild:1", "7", by="1", reason="spam")
    ink = Style(name="Ink", prompt="in ink")
    await studio.styles.save("guild:1", ink)
    await studio.styles.set_user_defaults("user:7", UserDefaults(ratio="3:2"))
    await studio.preferences.set("guild:1", "settings", "{}")
    reads()
    context = await studio.context("guild:1", "user:7", "7")
    assert len(reads()) == 2
    assert context.models.model.name == "other"
    assert context.models.allowed == ("other",)
    assert context.models.defaults("other") == steps
    assert context.words.blocked == ("gore",)
    assert context.words.reviewed == ("blood",)
    assert context.block == block
    assert find_style(context.styles, "INK") == ink
    assert context.user_defaults == UserDefaults(ratio="3:2")
    assert context.preferences["settings"] == "{}"
    assert reads() == []


async def test_of_other_scopes_and_people_a_context_has_nothing(studio: Studio) -> None:
    await studio.moderation.block_word("guild:1", "gore")
    await studio.moderation.block("guild:1", "7", by="1", reason="spam")
    await studio.styles.set_user_defaults("user:7", UserDefaults(ratio="3:2"))
    context = await studio.context("guild:2", "user:8", "8")
    assert context.words.blocked == ()
    assert context.block is None
    assert context.user_defaults == UserDefaults()
    assert context.models.allowed is None
    assert context.models.model.name == "tiny"
    own = await studio.context("user:7", "user:7", "7")
    assert own.user_defaults == UserDefaults(ratio="3:2")
    assert own.preferences == own.user_preferences


async def test_with_a_context_a_submission_reads_the_usage_and_nothing_else(
    studio: Studio, reads: Callable[[], list[str]]
) -> None:
    await studio.use_model("other", "guild:1")
    await studio.moderation.review_word("guild:1", "blood")
    requester = Requester(
        owner="7",
        scope="guild:1",
        rate_limits=RateLimits(pictures_per_hour=9),
        context=await studio.context("guild:1", "user:7", "7"),
    )
    reads()
    job = await studio.submit(HOUSE, requester)
    assert (job.recipe.model, job.scope) == ("other", "guild:1")
    assert len(reads()) == 1
    await studio.submit_all([HOUSE] * 3, requester)
    assert len(reads()) == 1
    await studio.check_all([HOUSE] * 3, requester)
    assert len(reads()) == 1
    await studio.forecast([HOUSE], requester)
    assert await studio.missing([HOUSE], requester) is None
    assert reads() == []
    with pytest.raises(NeedsReview):
        await studio.submit(ImageRequest(prompt="blood"), requester)


async def test_what_was_decided_later_counts_from_the_next_context_on(studio: Studio) -> None:
    before = Requester(owner="7", context=await studio.context("", "user:7", "7"))
    await studio.moderation.block_word("", "red")
    await studio.submit(HOUSE, before)
    with pytest.raises(InvalidRequest):
        await studio.submit(HOUSE, Requester(owner="7"))


async def test_a_job_is_read_with_its_pictures_at_once(
    studio: Studio, reads: Callable[[], list[str]]
) -> None:
    job = await studio.submit(HOUSE, Requester(owner="7"))
    reads()
    assert (await studio.job(job.id)) == job
    assert len(reads()) == 1
