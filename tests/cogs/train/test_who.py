"""Who may train where, and whose trainings they may act on."""

from __future__ import annotations

from cogs.policy.server_settings import change_server_settings
from engine import TrainingSettings
from tests.cogs.app import App, refused, told, told_after
from tests.discord_server import Member, Permissions

from .steps import begun, collected, number_of, service, shows

NEW = {"name": "zork", "trigger": "zork", "kind": "style"}


async def test_members_train_only_with_a_role_that_a_manager_has_chosen(app: App) -> None:
    role = app.guild.add_role("trainers")
    manager = app.guild.add_member("manager", permissions=Permissions(manage_guild=True))
    app.alice.roles.append(role)
    async with app.open():
        refusal = await told(await app.alice.slash(app.art, "train new", **NEW))
        assert refusal.startswith("Training LoRAs here takes a role")
        panel = await (await manager.slash(app.art, "settings")).message()
        await manager.click(panel, label="Roles")
        await manager.select(panel, role, custom_id="atelier-setting:trainers")
        assert "training" in (await begun(app, app.alice)).text()
        assert "role" in await told(await app.bob.slash(app.art, "train new", **NEW))
        audit = await (await manager.slash(app.art, "audit")).message()
        assert f"allowed training LoRAs to <@&{role.id}>" in audit.text()


async def test_in_private_only_the_owner_trains_unless_the_settings_allow_it(app: App) -> None:
    owner = app.guild.add_member("developer")
    async with app.open():
        refusal = await told(await app.alice.slash(app.alice.dm, "train new", **NEW))
        assert refusal.startswith("Only the bot's owner can train LoRAs here.")
        use = await owner.slash(owner.dm, "train new", **NEW)
        assert "only for you" in (await use.message()).text()
    async with app.open(personal_training=True):
        use = await app.alice.slash(app.alice.dm, "train new", **NEW | {"name": "alices"})
        assert "only for you" in (await use.message()).text()


async def test_training_can_be_switched_off(app: App, mod: Member) -> None:
    app.training = TrainingSettings(enabled=False)
    async with app.open():
        refusal = await told(await mod.slash(app.art, "train new", **NEW))
        assert refusal == "Training LoRAs is turned off here."


async def test_a_person_collects_for_one_training_at_a_time(scripted: App, mod: Member) -> None:
    async with scripted.open():
        await begun(scripted, mod)
        use = await mod.slash(scripted.art, "train new", **NEW | {"name": "other"})
        assert (await refused(use)).startswith("You're collecting pictures for “zork” already.")


async def test_others_cannot_use_the_buttons(scripted: App, mod: Member) -> None:
    app = scripted
    role = app.guild.add_role("trainers")
    app.bob.roles.append(role)
    async with app.open() as bot:
        scope = f"guild:{app.guild.id}"
        await change_server_settings(
            bot.studio, scope, lambda settings: type(settings)(trainers=(role.id,))
        )
        card = await collected(app, bot, mod)
        refusal = f"Only the person who asked for training {number_of(card)} can do that."
        for label in ("Add pictures", "Start", "Cancel"):
            assert await told_after(await app.bob.click(card, label=label)) == refusal


async def test_moderators_end_what_others_train_but_do_not_see_what_is_private(
    scripted: App, mod: Member
) -> None:
    app = scripted
    other = app.guild.add_member("other", permissions=Permissions(moderate_members=True))
    async with app.open() as bot:
        card = await collected(app, bot, other)
        number = number_of(card)
        await other.click(card, label="Start")
        await shows(app, card, "waiting for its turn")
        assert f"training {number}" in await told(await mod.slash(app.art, "train list"))
        asked = await (await mod.click(card, label="Cancel")).message()
        await mod.click(asked, label="Give it up")
        await shows(app, card, "Cancelled.")
        audit = await told(await mod.slash(app.art, "audit"))
        assert f"gave up <@{other.user.id}>'s training {number}" in audit
        secret = await begun(app, other, name="secret", private=True)
        assert secret.ephemeral
        hidden = number_of(secret)
        assert "secret" not in await told(await mod.slash(app.art, "train list"))
        for command in ("cancel", "remove", "show", "share"):
            refusal = await told(await mod.slash(app.art, f"train {command}", training=hidden))
            assert refusal.startswith(f"Training {hidden} doesn't exist or isn't yours.")
        assert not (await service(bot).get(hidden)).state.over


async def test_who_may_not_train_in_a_server_any_more_gives_it_nothing_from_elsewhere(
    scripted: App,
) -> None:
    app = scripted
    role = app.guild.add_role("trainers")
    app.alice.roles.append(role)
    async with app.open(personal_training=True) as bot:
        await change_server_settings(
            bot.studio,
            f"guild:{app.guild.id}",
            lambda settings: type(settings)(trainers=(role.id,)),
        )
        card = await collected(app, bot, app.alice, private=True)
        number = number_of(card)
        shown = await (await app.alice.slash(app.alice.dm, "train show", training=number)).message()
        app.alice.roles.remove(role)
        refusal = await told_after(await app.alice.click(shown, label="Start"))
        assert "takes a role" in refusal
        alice, scope = str(app.alice.user.id), f"guild:{app.guild.id}"
        await bot.studio.moderation.block(scope, alice, by="1", reason="spam")
        refusal = await told_after(await app.alice.click(shown, label="Start"))
        assert "blocked you" in refusal
        await bot.studio.moderation.unblock(scope, alice)
        app.alice.roles.append(role)
        await app.alice.click(shown, label="Start")
        await shows(app, shown, "waiting for its turn")
