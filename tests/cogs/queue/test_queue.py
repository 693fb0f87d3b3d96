"""/queue and /cancel."""

from __future__ import annotations

import re

import pytest

from tests.discord_server import Message, Permissions

from tests.cogs.app import House, number, told


async def crowd(house: House, *, each: int = 2, prompt: str = "a fish") -> list[Message]:
    """Bob's and alice's jobs, taking turns, behind one that is being painted."""
    messages = [await house.occupy()]
    for i in range(each):
        messages.append(await house.ask(house.bob, f"{prompt} of bob {i}"))
        messages.append(await house.ask(house.alice, f"{prompt} of alice {i}"))
    return messages


async def test_nobody_waits(house: House) -> None:
    async with house.open():
        text = await told(await house.alice.slash(house.art, "queue"))
        assert text == "Nobody is waiting. `/imagine` starts at once."


async def test_the_queue_shows_ones_own_jobs_first_then_the_others_in_their_order(
    house: House,
) -> None:
    async with house.open():
        await crowd(house)
        lines = (await told(await house.alice.slash(house.art, "queue"))).splitlines()
        assert [int(x) for x in re.findall(r"^\**(\d+) ·", "\n".join(lines), re.M)] == [
            3,
            5,
            1,
            2,
            4,
        ]
        assert [line.startswith("**") for line in lines] == [True, True, False, False, False]
        assert re.match(r"\*\*3 · 2nd · ", lines[0])
        assert house.alice.mention in lines[0]
        assert "a fish of alice 0" in lines[0]
        assert re.match(r"1 · painting, \d+ % · ", lines[2])


async def test_a_long_queue_of_long_prompts_fits_into_one_answer(house: House) -> None:
    async with house.open():
        await crowd(house, each=9, prompt="*_" * 40)
        text = await told(await house.alice.slash(house.art, "queue"))
        assert len(text) <= 2000
        assert text.count(house.alice.mention) == 9
        assert re.search(r"-# and \d+ more$", text)


async def test_cancel_alone_calls_off_the_last_job_of_whoever_asks(house: House) -> None:
    async with house.open():
        messages = await crowd(house)
        assert await told(await house.alice.slash(house.art, "cancel")) == "Job 5 is cancelled."
        await house.done(messages[4])
        assert await told(await house.alice.slash(house.art, "cancel")) == "Job 3 is cancelled."
        sentence = "You have nothing waiting."
        assert await told(await house.alice.slash(house.art, "cancel")) == sentence
        assert "Cancelled." in messages[4].text()
        assert "in line" in messages[3].text()


async def test_cancel_takes_a_number(house: House) -> None:
    async with house.open():
        messages = await crowd(house, each=1)
        assert await told(await house.bob.slash(house.art, "cancel", job=2)) == (
            "Job 2 is cancelled."
        )
        assert await told(await house.bob.slash(house.art, "cancel", job=2)) == (
            "Job 2 is already done."
        )
        assert await told(await house.bob.slash(house.art, "cancel", job=3)) == (
            "Only the one who asked for job 3 can cancel it."
        )
        await house.done(messages[1])


@pytest.mark.parametrize("job", [0, -1, 99, 2**53])
async def test_cancel_of_a_number_that_nobody_has(house: House, job: int) -> None:
    async with house.open():
        sentence = await told(await house.alice.slash(house.art, "cancel", job=job))
        assert sentence == f"Job {job} does not exist any more."


async def test_only_ones_own_jobs_are_offered_and_moderators_see_all_with_theirs_first(
    house: House,
) -> None:
    mod = house.guild.add_member("mod", permissions=Permissions(manage_messages=True))
    async with house.open():
        await crowd(house)
        own = await house.ask(mod, "a moon")

        async def offered(who: str, typed: str = "") -> list[int]:
            person = {"alice": house.alice, "mod": mod}[who]
            choices = await person.autocomplete(house.art, "cancel", "job", typed)
            return [choice.value for choice in choices]

        assert await offered("alice") == [5, 3]
        assert await offered("alice", "ALICE 0") == [3]
        assert await offered("alice", "bob") == []
        assert (await offered("mod"))[0] == number(own)
        assert sorted(await offered("mod")) == [1, 2, 3, 4, 5, 6]


async def test_a_choice_is_never_longer_than_discord_takes(house: House) -> None:
    async with house.open():
        await house.occupy()
        await house.ask(house.alice, "🏠" * 600)
        [choice] = await house.alice.autocomplete(house.art, "cancel", "job", "")
        assert len(choice.name) <= 100


async def test_what_is_painted_elsewhere_is_told_only_as_far_as_it_concerns_those_here(
    house: House,
) -> None:
    """Another server's jobs are a number; another channel's have no prompt."""
    elsewhere = house.discord.add_guild("Poets")
    poems, mallory = elsewhere.add_channel("poems"), elsewhere.add_member("mallory")
    secret = house.guild.add_channel("secret")
    async with house.open():
        blocker = await house.occupy()
        await house.alice.slash(secret, "imagine", prompt="a surprise")
        theirs = await told(await mallory.slash(poems, "queue"))
        assert theirs == "-# 2 in other places"
        ours = await told(await house.bob.slash(house.art, "queue"))
        assert house.alice.mention in ours
        assert "a surprise" not in ours
        assert "sistine" in ours
        await house.release(blocker)


async def test_who_moderates_one_server_has_no_say_in_another(house: House) -> None:
    elsewhere = house.discord.add_guild("Poets")
    poems = elsewhere.add_channel("poems")
    mallory = elsewhere.add_member("mallory", permissions=Permissions(manage_messages=True))
    async with house.open():
        blocker = await house.occupy()
        assert await mallory.autocomplete(poems, "cancel", "job", "") == []
        refusal = await told(await mallory.slash(poems, "cancel", job=1))
        assert refusal == "Only the one who asked for job 1 can cancel it."
        await house.release(blocker)


@pytest.mark.parametrize("kind", ["hidden", "visible"])
async def test_who_moderates_one_channel_has_no_say_in_another(house: House, kind: str) -> None:
    secret = house.guild.add_channel("secret")
    if kind == "hidden":
        secret.overwrite(house.guild.everyone, deny=Permissions(view_channel=True))
        for who in (house.alice, house.guild.bot):
            secret.overwrite(who, allow=Permissions(view_channel=True))
    house.art.overwrite(house.bob, allow=Permissions(manage_messages=True))
    async with house.open():
        blocker = await house.occupy()
        await house.ask(house.alice, "a surprise for the staff", where=secret)
        offered = await house.bob.autocomplete(house.art, "cancel", "job", "")
        assert [choice.value for choice in offered] == [1]
        refusal = await told(await house.bob.slash(house.art, "cancel", job=2))
        assert refusal == "Only the one who asked for job 2 can cancel it."
        secret.overwrite(house.bob, allow=Permissions(manage_messages=True, view_channel=True))
        offered = await house.bob.autocomplete(house.art, "cancel", "job", "")
        assert "2 · a surprise for the staff" in [choice.name for choice in offered]
        assert await told(await house.bob.slash(house.art, "cancel", job=2)) == (
            "Job 2 is cancelled."
        )
        await house.release(blocker)


async def test_who_may_call_off_everything_reads_only_what_they_see(house: House) -> None:
    secret, role = house.guild.add_channel("secret"), house.guild.add_role("trusted")
    secret.overwrite(house.guild.everyone, deny=Permissions(view_channel=True))
    for who in (house.alice, house.guild.bot):
        secret.overwrite(who, allow=Permissions(view_channel=True))
    trusted = house.guild.add_member("trusted", roles=[role])
    async with house.open(admin_roles=[role.id]):
        blocker = await house.occupy()
        await house.ask(house.alice, "a surprise for the staff", where=secret)
        offered = await trusted.autocomplete(house.art, "cancel", "job", "")
        assert "2 · private" in [choice.name for choice in offered]
        await house.release(blocker)


@pytest.mark.parametrize("gone", [False, True], ids=["there", "gone"])
async def test_in_a_thread_its_channels_moderators_have_their_say(house: House, gone: bool) -> None:
    thread = house.guild.add_channel("late", kind="thread", parent=house.art)
    house.art.overwrite(house.bob, allow=Permissions(manage_messages=True))
    async with house.open() as bot:
        blocker = await house.occupy()
        await house.ask(house.alice, "a fish", where=thread)
        if gone:  # archived threads are not known either
            house.guild.remove_channel(thread)
            guild = bot.get_guild(house.guild.id)
            assert guild is not None
            await house.discord.until(lambda: guild.get_thread(thread.id) is None)
        offered = await house.bob.autocomplete(house.art, "cancel", "job", "2")
        assert [choice.value for choice in offered] == ([] if gone else [2])
        await house.release(blocker)
