"""A conversation with the bot, of which the pages are kept that show it."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.discord_server import Channel, DiscordServer, Member, Message, Permissions, Use
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
        manager = Permissions(manage_guild=True)
        self.art: Channel = guild.add_channel("art")
        self.alice: Member = guild.add_member("alice", locale=locale)
        self.bob: Member = guild.add_member("bob", locale=locale)
        self.mona: Member = guild.add_member("mona", locale=locale, permissions=manager)
        self.pages: dict[str, str] = {}

    async def play(self) -> None:
        """Use the bot, and keep what people see."""
        one = await self._imagine(self.bob, "an orange cat on a green square --seed 17")
        four = await self._imagine(
            self.alice, "a red mushroom next to a green tree --seed 4", count=4
        )
        await self._shown(one)
        await self._shown(four)
        await self._keep_waiting()
        self._keep("result", self.bob, one)
        self._keep("results", self.alice, four)
        await self._keep_answer("details", self.bob, await self._click(one, "details"))
        await self._keep_answer("help", self.alice, await self.alice.slash(self.art, "help"))
        await self._keep_answer("settings", self.mona, await self.mona.slash(self.art, "settings"))
        self._keep("remix", self.bob, await (await self._click(one, "remix")).modal())
        await self._keep_answer("inpaint", self.bob, await self._click(one, "fill"))
        await self._keep_grid()
        await self._keep_edits(one)
        await self._keep_answer("inspire", self.mona, await self.mona.slash(self.art, "inspire"))

    async def _imagine(self, who: Member, prompt: str, **options: int) -> Message:
        return await (await who.slash(self.art, "imagine", prompt=prompt, **options)).message()

    async def _shown(self, message: Message) -> None:
        await self.discord.until(lambda: _button(message, "delete"), PATIENCE)

    async def _click(self, message: Message, verb: str, who: Member | None = None) -> Use:
        if _button(message, verb) is None:
            opener = _button(message, "more")
            message = await (await self.bob.click(message, custom_id=opener)).message()
        return await (who or self.bob).click(message, custom_id=_button(message, verb))

    async def _keep_waiting(self) -> None:
        """One that is being painted, in the middle of its previews, and one that waits for it.

        On a machine that is too quick for previews there is none in the picture.
        """
        prompt = "a red house under a yellow moon --seed 7"
        painted = await self._imagine(self.mona, prompt, count=4, steps=150)
        queued = await self._imagine(self.bob, "two red balloons next to a cloud")
        await self._shown(painted)
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
        await self._click(question, "go", who=self.alice)
        await self.discord.until(lambda: len(self.art.messages) > before, PATIENCE)
        grid = self.art.messages[-1]
        await self._shown(grid)
        self._keep("grid", self.alice, grid)

    async def _keep_edits(self, picture: Message) -> None:
        """Three edits in conversation, each of the answer before."""
        me = f"<@{self.discord.world.bot.id}>"
        shown = [picture]
        for who, text in ((self.alice, EDITS[0]), (self.bob, EDITS[1]), (self.alice, EDITS[2])):
            said = await who.say(self.art, f"{me} {text}", reply_to=shown[-1])
            answer = await self._answer_to(said)
            await self._shown(answer)
            shown += said, answer
        self._keep("conversation", self.mona, *shown)

    async def _answer_to(self, said: Message) -> Message:
        def answers() -> list[Message]:
            return [each for each in self.art.messages if each.reference is said]

        await self.discord.until(answers, PATIENCE)
        return answers()[0]

    async def _keep_answer(self, name: str, who: Member, use: Use) -> None:
        self._keep(name, who, await use.message(PATIENCE))

    def _keep(self, name: str, who: Member, *shown: Message | Modal) -> None:
        self.pages[name] = page(Screen(who, datetime.now(UTC)), *shown)


def _button(message: Message, verb: str) -> str | None:
    """The custom_id of the button that does it; None when there is none."""
    ids = [str(button.get("custom_id", "")) for button in message.buttons]
    return next((id_ for id_ in ids if id_.split(":")[1:2] == [verb]), None)
