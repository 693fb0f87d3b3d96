"""/train: from pictures to a LoRA, in one message that outlives restarts."""

from __future__ import annotations

from engine import TrainingState
from tests.cogs.app import App
from tests.discord_server import Member

from .steps import begun, given, number_of, picture, service, shows


async def test_one_message_collects_starts_shows_progress_over_a_restart_and_the_result(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open():
        card = await begun(app, mod, kind="subject")
        await given(app, mod, card, *map(picture, range(6)))
        await shows(app, card, "6 pictures ·")
        assert len(card.attachments) == 6
        await shows(app, card, r"🧮 about 10 min · 1.0 GB of 8.0 GB of memory · 5.0 MB on disk")
        [start] = [button for button in card.buttons if button["label"] == "Start"]
        assert start["disabled"]
        await mod.click(card, label="The person agreed, or it's no person")
        await app.discord.until(
            lambda: not any(b["disabled"] for b in card.buttons if b["label"] == "Start")
        )
    async with app.open() as bot:
        await mod.click(card, label="Start")
        await shows(app, card, "waiting for its turn")
        number = number_of(card)
        await service(bot).come_to(number, 9, plotted=False, painted=True)
        await shows(app, card, "step 9")
        assert [file.filename for file in card.attachments] == ["samples.webp"]
        await service(bot).come_to(number, 10)
        await shows(app, card, r"step 10 of 40 · loss 0\.2500 · ready <t:")
        assert [file.filename for file in card.attachments] == ["loss.png", "samples.webp"]
        shown = card.attachments
        await service(bot).come_to(number, 11)
        await shows(app, card, "step 11")
        assert card.attachments == shown, "nothing is uploaded again for a step"
        await service(bot).come_to(number, 11, state=TrainingState.PAUSED, goes_on=True)
        await shows(app, card, "paused: members are waiting for pictures")
    async with app.open() as bot:
        await service(bot).come_to(number, 12, painted=True)
        await shows(app, card, "step 12 of 40")
        await mod.click(card, label="Pause")
        await shows(app, card, "⏸️ .* paused · step 12")
        await mod.click(card, label="Resume")
        await shows(app, card, "🏋️")
        await mod.click(card, label="Stop and keep")
        await shows(app, card, "Paint with `/imagine lora:zork`")
        assert card.labels == ["Paint with it", "Remove"]
        await app.discord.until(lambda: len(card.attachments) == 1)
    assert len(app.art.messages) == 1
