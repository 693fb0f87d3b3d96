"""The guide: goes to each stop as one person, and notes all that the bot says there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cogs import Atelier
from cogs.about.command_list import slash_commands
from cogs.policy.server_settings import change_server_settings
from tests.cogs.app import PATIENCE, App, until
from tests.discord_server import Channel, ClientRefuses, Message, Permissions, Use
from tests.discord_server.guilds import Guild
from tests.hub_server import Repository

from .notes import Notes
from .reading import english
from .stops import ABLE, For, Role, Stop

PROMPT, SECRET = "塔 velvetine", "塔 secretine"
"""What Alice paints for everybody to see, and for herself."""

OWN = "海"
"""What those paint who are on the tour."""

POWERS: dict[Role, dict[str, bool]] = {
    Role.MODERATOR: {"moderate_members": True, "manage_messages": True},
    Role.MANAGER: {"manage_guild": True, "manage_messages": True},
    Role.OWNER: {"manage_guild": True, "manage_messages": True},
    Role.STRANGER: {"manage_guild": True, "manage_messages": True, "moderate_members": True},
}

AXIS = {"x": "style", "y": "words"}
"""What has been chosen before the values of an axis are offered."""


class Tour:
    """A way through all that there is, as one person in one language.

    Attributes:
        role: As whom.
        who: The person.
        here: The channel where they use what is typed.
        alice: Whose jobs they are.
        fox: A model on the Hub.
        props: What was made on the way, by its name.
    """

    def __init__(self, app: App, fox: Repository, role: Role, language: str) -> None:
        self.app, self.fox, self.role, self.language = app, fox, role, language
        self.bot: Atelier
        self.alice = app.alice
        self.props: dict[str, Any] = {}
        self._handled: set[str] = set()
        guild = app.discord.add_guild("Poets") if role is Role.STRANGER else app.guild
        self.message_ref: Guild = guild
        self.here: Channel = guild.add_channel("den") if role is Role.STRANGER else app.art
        powers = Permissions(**POWERS.get(role, {}))
        self.who = guild.add_member(role.value, permissions=powers)
        self._notes = Notes(app.discord.world, self.who, role, language)
        self.everyone_speaks()

    def everyone_speaks(self) -> None:
        """Everybody's Discord is in the language of the tour."""
        for user in self.app.discord.world.users.values():
            user.locale = self.language.replace("_", "-") if self.language != "en" else "en-US"

    async def begin(self, bot: Atelier) -> None:
        """Notice when something has been dealt with, and have the servers speak the language."""
        self.bot = bot
        for name in ("guard", "_call"):
            setattr(bot.tree, name, self._noted(getattr(bot.tree, name)))
        trainers = self.props["trainers"] = self.app.guild.add_role("trainers")
        for alice in {self.alice, self.who if self.role is Role.MEMBER else self.alice}:
            alice.roles.append(trainers)
        for guild in self.app.discord.world.guilds.values():
            await change_server_settings(
                bot.studio,
                f"guild:{guild.id}",
                lambda s: type(s)(language=self.language, trainers=(trainers.id,)),
            )
        self.props["one"] = await self.painted(PROMPT)
        self.props["secret"] = await self.painted(SECRET, private=True)

    def _noted(self, deal: Callable[..., Any]) -> Callable[..., Any]:
        async def dealt(interaction: Any, *more: Any) -> None:
            try:
                await deal(interaction, *more)
            finally:
                self._handled.add(interaction.token)
                self.app.discord.world.changes.ring()

        return dealt

    async def painted(self, prompt: str, **options: Any) -> Message:
        """What Alice has had painted."""
        use = await self.alice.slash(self.app.art, "imagine", prompt=prompt, **options)
        return await (await self.settled(use)).message()

    async def settled(self, use: Use) -> Use:
        """Wait until it is dealt with, and whatever it has had painted is shown."""
        assert use.failed is None, use
        token = use.interaction.token
        await self.app.discord.until(lambda: token in self._handled, PATIENCE)
        if not self.props.get("occupied"):
            await self.app.settled(self.bot)
            await until(self.bot.studio.grids.undelivered, lambda grids: not grids)
        return use

    @property
    def able(self) -> frozenset[For]:
        """What they may, where they are."""
        return ABLE[self.role]

    @property
    def secret(self) -> int:
        """The number of Alice's private job."""
        return number_of(self.props["secret"])

    @property
    def number(self) -> int:
        """That of her public one."""
        return number_of(self.one)

    @property
    def one(self) -> Message:
        """The message of Alice's public one."""
        message: Message = self.props["one"]
        return message

    async def slash(self, command: str, /, **options: Any) -> Use:
        """Use a command there."""
        return await self.settled(await self.who.slash(self.here, command, **options))

    async def click(self, message: Message, custom_id: str) -> Use:
        """Press the button whose id begins so."""
        [full] = [b["custom_id"] for b in message.buttons if b["custom_id"].startswith(custom_id)]
        return await self.settled(await self.who.click(message, custom_id=full))

    async def pick(self, message: Message, custom_id: str, *values: Any) -> Use:
        """Pick from the menu whose id begins so."""
        ids = [each["custom_id"] for each in message.selects]
        full = [each for each in ids if each.startswith(custom_id)][0]  # noqa: RUF015
        return await self.settled(await self.who.select(message, *values, custom_id=full))

    async def send(self, use: Use, **values: Any) -> Use:
        """Send the modal that was opened, with these of its fields changed."""
        return await self.settled(await self.who.submit(await use.modal(), values))

    async def visit(self, stop: Stop) -> list[str]:
        """Go there: what is wrong with it."""
        self.mark()
        try:
            use = await self.settled(await stop.drive(self))
            wrong = list(self._notes.wrong(stop, use))
        except (AssertionError, ClientRefuses, TimeoutError, ValueError, IndexError) as error:
            wrong = [repr(error)]
        return [f"{stop.key} ({self.role.name}): {each}" for each in wrong]

    async def offers(self) -> list[str]:
        """What is wrong with what is offered while they type."""
        wrong = []
        for command in slash_commands(self.bot):
            for parameter in command.parameters:
                if parameter.autocomplete:
                    name, option = command.qualified_name, parameter.name
                    offered = await self.who.autocomplete(self.here, name, option, "", **AXIS)
                    names = "\n".join(each.name for each in offered)
                    if self.language != "en" and (words := english(names)):
                        wrong.append(f"/{name} {option}: English: {words} in {names!r}")
                    if self.role is not Role.MEMBER and "secretine" in names:
                        wrong.append(f"/{name} {option}: offers what is private")
        return wrong

    async def losses(self) -> list[str]:
        """What of Alice's is gone that nobody who may has deleted."""
        lost = [] if not self.one.deleted else ["Alice's message is gone"]
        for number in (self.number, self.secret):
            if not (await self.bot.studio.job(number)).pictures:
                lost.append(f"the pictures of job {number} are gone")
        return lost

    def mark(self) -> None:
        """What is said from now on is said at this stop."""
        self._notes.mark()


def number_of(message: Message) -> int:
    """The number of the job that the message is of."""
    ids = (button["custom_id"].split(":") for button in message.buttons)
    [found] = {parts[2] for parts in ids if parts[0] == "atelier"}
    return int(found)
