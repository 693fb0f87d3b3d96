"""/queue and /cancel."""

from __future__ import annotations

import re

import pytest

from tests.cogs.app import App, number, told
from tests.discord_server import Message, Permissions


async def crowd(app: App, *, each: int = 2, prompt: str = "a fish") -> list[Message]:
    """Bob's and alice's jobs, taking turns, behind one that is being painted."""
    messages = [await app.occupy()]
    for i in range(each):
        messages.append(await app.ask(app.bob, f"{prompt} of bob {i}"))
        messages.append(await app.ask(app.alice, f"{prompt} of alice {i}"))
    return messages


async def test_nobody_waits(app: App) -> None:
    async with app.open():
        text = await told(await app.alice.slash(app.art, "queue"))
        assert text == "The queue is empty. `/imagine` starts now."


async def test_the_queue_shows_ones_own_jobs_first_then_the_others_in_their_order(
    app: App,
) -> None:
    async with app.open():
        messages = await crowd(app)
        header, *lines = (await told(await app.alice.slash(app.art, "queue"))).splitlines()
        assert header == "### Queue (5)"
        assert [
            int(x) for x in re.findall(r"^\**\[job (\d+)\]\(https", "\n".join(lines), re.M)
        ] == [
            3,
            5,
            1,
            2,
            4,
        ]
        assert [line.startswith("**") for line in lines] == [True, True, False, False, False]
        assert re.match(rf"\*\*\[job 3\]\(\S+/{messages[2].id}\) · 2nd · ", lines[0])
        assert app.alice.mention in lines[0]
        assert "a fish of alice 0" in lines[0]
        assert re.match(r"\[job 1\]\(\S+\) · painting, \d+% · ", lines[2])


async def test_a_long_queue_of_long_prompts_fits_into_one_answer(app: App) -> None:
    async with app.open():
        await crowd(app, each=9, prompt="*_" * 40)
        text = await told(await app.alice.slash(app.art, "queue"))
        assert len(text) <= 4000
        assert text.count(app.alice.mention) == 9
        assert re.search(r"-# and \d+ more$", text)


async def test_cancel_alone_calls_off_the_last_job_of_whoever_asks(app: App) -> None:
    async with app.open():
        messages = await crowd(app)
        assert await told(await app.alice.slash(app.art, "cancel")) == "Job 5 was cancelled."
        await app.done(messages[4])
        assert await told(await app.alice.slash(app.art, "cancel")) == "Job 3 was cancelled."
        sentence = "You have no jobs in the queue."
        assert await told(await app.alice.slash(app.art, "cancel")) == sentence
        assert "Cancelled." in messages[4].text()
        assert "in line" in messages[3].text()


async def test_cancel_takes_a_number(app: App) -> None:
    async with app.open():
        messages = await crowd(app, each=1)
        assert await told(await app.bob.slash(app.art, "cancel", job=2)) == ("Job 2 was cancelled.")
        assert await told(await app.bob.slash(app.art, "cancel", job=2)) == (
            "Job 2 is already done."
        )
        assert await told(await app.bob.slash(app.art, "cancel", job=3)) == (
            "Only the person who requested job 3 can cancel it."
        )
        await app.done(messages[1])


@pytest.mark.parametrize("job", [0, -1, 99, 2**53])
async def test_cancel_of_a_number_that_nobody_has(app: App, job: int) -> None:
    async with app.open():
        sentence = await told(await app.alice.slash(app.art, "cancel", job=job))
        assert sentence.startswith(f"Job {job} doesn't exist or isn't visible here.")


async def test_only_ones_own_jobs_are_offered_and_moderators_see_all_with_theirs_first(
    app: App,
) -> None:
    mod = app.guild.add_member("mod", permissions=Permissions(manage_messages=True))
    async with app.open():
        await crowd(app)
        own = await app.ask(mod, "a moon")

        async def offered(who: str, typed: str = "") -> list[int]:
            person = {"alice": app.alice, "mod": mod}[who]
            choices = await person.autocomplete(app.art, "cancel", "job", typed)
            return [choice.value for choice in choices]

        assert await offered("alice") == [5, 3]
        assert await offered("alice", "ALICE 0") == [3]
        assert await offered("alice", "bob") == []
        assert (await offered("mod"))[0] == number(own)
        assert sorted(await offered("mod")) == [1, 2, 3, 4, 5, 6]


async def test_a_choice_is_never_longer_than_discord_takes(app: App) -> None:
    async with app.open():
        await app.occupy()
        await app.ask(app.alice, "🏠" * 600)
        [choice] = await app.alice.autocomplete(app.art, "cancel", "job", "")
        assert len(choice.name) <= 100


async def test_what_is_painted_elsewhere_is_told_only_as_far_as_it_concerns_those_here(
    app: App,
) -> None:
    """Another server's jobs are a number; another channel's have no prompt."""
    elsewhere = app.discord.add_guild("Poets")
    poems, mallory = elsewhere.add_channel("poems"), elsewhere.add_member("mallory")
    secret = app.guild.add_channel("secret")
    async with app.open():
        blocker = await app.occupy()
        await app.alice.slash(secret, "imagine", prompt="a surprise")
        theirs = await told(await mallory.slash(poems, "queue"))
        assert theirs == "### Queue (2)\n-# 2 private or elsewhere"
        ours = await told(await app.bob.slash(app.art, "queue"))
        assert app.alice.mention in ours
        assert "a surprise" not in ours
        assert "sistine" in ours
        await app.release(blocker)


async def test_who_moderates_one_server_has_no_say_in_another(app: App) -> None:
    elsewhere = app.discord.add_guild("Poets")
    poems = elsewhere.add_channel("poems")
    mallory = elsewhere.add_member("mallory", permissions=Permissions(manage_messages=True))
    async with app.open():
        blocker = await app.occupy()
        assert await mallory.autocomplete(poems, "cancel", "job", "") == []
        refusal = await told(await mallory.slash(poems, "cancel", job=1))
        assert refusal.startswith("Job 1 doesn't exist or isn't visible here.")
        await app.release(blocker)


@pytest.mark.parametrize("kind", ["hidden", "visible"])
async def test_who_moderates_one_channel_has_no_say_in_another(app: App, kind: str) -> None:
    secret = app.guild.add_channel("secret")
    if kind == "hidden":
        secret.overwrite(app.guild.everyone, deny=Permissions(view_channel=True))
        for who in (app.alice, app.guild.bot):
            secret.overwrite(who, allow=Permissions(view_channel=True))
    app.art.overwrite(app.bob, allow=Permissions(manage_messages=True))
    async with app.open():
        blocker = await app.occupy()
        await app.ask(app.alice, "a surprise for the staff", where=secret)
        offered = await app.bob.autocomplete(app.art, "cancel", "job", "")
        assert [choice.value for choice in offered] == [1]
        refusal = await told(await app.bob.slash(app.art, "cancel", job=2))
        known = "Only the person who requested job 2 can cancel it."
        unknown = "Job 2 doesn't exist or isn't visible here."
        assert refusal.startswith(unknown if kind == "hidden" else known)
        secret.overwrite(app.bob, allow=Permissions(manage_messages=True, view_channel=True))
        offered = await app.bob.autocomplete(app.art, "cancel", "job", "")
        assert "2 · a surprise for the staff" in [choice.name for choice in offered]
        assert await told(await app.bob.slash(app.art, "cancel", job=2)) == ("Job 2 was cancelled.")
        await app.release(blocker)


async def test_who_may_call_off_everything_reads_only_what_they_see(app: App) -> None:
    secret, role = app.guild.add_channel("secret"), app.guild.add_role("trusted")
    secret.overwrite(app.guild.everyone, deny=Permissions(view_channel=True))
    for who in (app.alice, app.guild.bot):
        secret.overwrite(who, allow=Permissions(view_channel=True))
    trusted = app.guild.add_member("trusted", roles=[role])
    async with app.open(admin_roles=[role.id]):
        blocker = await app.occupy()
        await app.ask(app.alice, "a surprise for the staff", where=secret)
        offered = await trusted.autocomplete(app.art, "cancel", "job", "")
        assert "2 · private" in [choice.name for choice in offered]
        await app.release(blocker)


@pytest.mark.parametrize("gone", [False, True], ids=["there", "gone"])
async def test_in_a_thread_its_channels_moderators_have_their_say(app: App, gone: bool) -> None:
    thread = app.guild.add_channel("late", kind="thread", parent=app.art)
    app.art.overwrite(app.bob, allow=Permissions(manage_messages=True))
    async with app.open() as bot:
        blocker = await app.occupy()
        await app.ask(app.alice, "a fish", where=thread)
        if gone:  # archived threads are not known either
            app.guild.remove_channel(thread)
            guild = bot.get_guild(app.guild.id)
            assert guild is not None
            await app.discord.until(lambda: guild.get_thread(thread.id) is None)
        offered = await app.bob.autocomplete(app.art, "cancel", "job", "2")
        assert [choice.value for choice in offered] == ([] if gone else [2])
        await app.release(blocker)
