"""A conversation with the bot, of which the pages are kept that show it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.discord_server import Channel, DiscordServer, Member, Message, Permissions, Upload, Use
from tests.discord_server.modals import Modal
from tests.discord_server.page import document, message_html, moment_of, page
from tests.discord_server.screen import Screen

EDITS = ("make it night", "add a red balloon", "as a watercolour")

PATIENCE = 300.0
"""Seconds for a picture on a machine that has other things to do."""


class Conversation:
    """A conversation with the bot, and the pages that show it, by their names."""

    def __init__(self, discord: DiscordServer, locale: str) -> None:
        self.discord = discord
        guild = discord.add_guild("Painters", locale=locale)
        manager = Permissions(manage_guild=True, moderate_members=True)
        self.art: Channel = guild.add_channel("art")
        self.alice: Member = guild.add_member("alice", locale=locale)
        self.bob: Member = guild.add_member("bob", locale=locale)
        self.mona: Member = guild.add_member("mona", locale=locale, permissions=manager)
        everything = Permissions(administrator=True)
        self.owner: Member = guild.add_member("developer", locale=locale, permissions=everything)
        self.pages: dict[str, str] = {}

    async def play(self) -> None:
        """Use the bot, and keep what people see."""
        one = await self.imagine(self.bob, "an orange cat on a green square --seed 17")
        four = await self.imagine(
            self.alice, "a red mushroom next to a green tree --seed 4", count=4
        )
        await self.shown(one)
        await self.shown(four)
        await self._keep_waiting()
        self.keep("result", self.bob, one)
        self.keep("results", self.alice, four)
        await self.keep_answer("details", self.bob, await self.click(one, "details"))
        await self.keep_answer("help", self.alice, await self.alice.slash(self.art, "help"))
        await self.keep_answer("settings", self.mona, await self.mona.slash(self.art, "settings"))
        self.keep("remix", self.bob, await (await self.click(one, "remix")).modal())
        await self.keep_answer("inpaint", self.bob, await self.click(one, "fill"))
        await self._keep_grid()
        await self._keep_edits(one)
        await self._keep_control(one)
        picture = Upload("cat.png", one.attachments[0].data)
        described = await self.alice.slash(self.art, "describe", image=picture)
        await self.keep_answer("describe", self.alice, described)
        await self.keep_answer("inspire", self.mona, await self.mona.slash(self.art, "inspire"))

    async def imagine(self, who: Member, prompt: str, **options: Any) -> Message:
        """The message of a picture that somebody asks for."""
        use = await who.slash(self.art, "imagine", prompt=prompt, **options)
        return await use.message(PATIENCE)

    async def shown(self, message: Message) -> None:
        """Wait until the message shows its pictures."""
        await self.discord.until(lambda: button(message, "delete"), PATIENCE)

    async def click(self, message: Message, verb: str, who: Member | None = None) -> Use:
        """Click the button that does it, or one that “More…” opens; Bob does, if nobody else."""
        who = who or self.bob
        if button(message, verb) is None:
            message = await (await who.click(message, custom_id=button(message, "more"))).message()
        return await who.click(message, custom_id=button(message, verb))

    async def _keep_waiting(self) -> None:
        """One that is being painted, in the middle of its previews, and one that waits for it.

        On a machine that is too quick for previews there is none in the picture.
        """
        prompt = "a red house under a yellow moon --seed 7"
        painted = await self.imagine(self.mona, prompt, count=4, steps=150)
        queued = await self.imagine(self.bob, "two red balloons next to a cloud")
        await self.shown(painted)
        previews = [each for each in painted.edits[:-1] if each.attachments]
        look = previews[len(previews) // 2 - 1] if previews else painted.looks[0]
        other = [each for each in queued.looks if each.at <= look.at][-1]
        screen = Screen(self.alice, painted.created + moment_of(painted, look))
        self.pages["waiting"] = document(
            message_html(screen, painted, look),
            message_html(screen, queued, other),
            language=screen.reader.locale,
        )

    async def _keep_grid(self) -> None:
        """A comparison of guidance and seeds."""
        axes = {"x": "guidance", "x_values": "1, 3, 7", "y": "seed", "y_values": "5, 8"}
        asked = "a red house under a yellow moon"
        use = await self.alice.slash(self.art, "grid", prompt=asked, **axes)
        question = await use.message(PATIENCE)
        before = len(self.art.messages)
        await self.click(question, "go", who=self.alice)
        await self.discord.until(lambda: len(self.art.messages) > before, PATIENCE)
        grid = self.art.messages[-1]
        await self.shown(grid)
        self.keep("grid", self.alice, grid)

    async def _keep_edits(self, picture: Message) -> None:
        """Three edits in conversation, each of the answer before."""
        me = f"<@{self.discord.world.bot.id}>"
        shown = [picture]
        for who, text in ((self.alice, EDITS[0]), (self.bob, EDITS[1]), (self.alice, EDITS[2])):
            said = await who.say(self.art, f"{me} {text}", reply_to=shown[-1])
            answer = await self._answer_to(said)
            await self.shown(answer)
            shown += said, answer
        self.keep("conversation", self.mona, *shown)

    async def _keep_control(self, picture: Message) -> None:
        """A picture painted along the edges of another, with those edges."""
        asked = {"control": Upload("cat.png", picture.attachments[0].data), "control_type": "edges"}
        prompt = "a purple cat on a yellow square --seed 17"
        painted = await self.imagine(self.alice, prompt, **asked)
        await self.shown(painted)
        self.keep("control", self.alice, painted)

    async def _answer_to(self, said: Message) -> Message:
        def answers() -> list[Message]:
            return [each for each in self.art.messages if each.reference is said]

        await self.discord.until(answers, PATIENCE)
        return answers()[0]

    async def keep_answer(self, name: str, who: Member, use: Use) -> None:
        """Keep what somebody is answered."""
        self.keep(name, who, await use.message(PATIENCE))

    def keep(self, name: str, who: Member, *shown: Message | Modal) -> None:
        """Keep a page of what somebody sees."""
        self.pages[name] = page(Screen(who, datetime.now(UTC)), *shown)


def button(message: Message, verb: str) -> str | None:
    """The custom_id of the button that does it; None when there is none."""
    ids = [str(each.get("custom_id", "")) for each in message.buttons]
    return next((id_ for id_ in ids if id_.split(":")[1:2] == [verb]), None)
