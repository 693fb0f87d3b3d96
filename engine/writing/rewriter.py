"""Improves and shortens prompts with a small language model on this machine."""

from engine.errors import InvalidRequest
from engine.network_settings import PromptSettings
from engine.prompts.flags import without_flags
from engine.prompts.grammar import ADAPTER
from engine.writing.cleaning import cleaned
from engine.writing.host import ANSWER, MakeHost
from engine.writing.instructions import Rewriting, chat
from engine.writing.model_files import Download
from engine.writing.writing_model import WritingModel
from speech import phrase, say

MAX_LENGTH = 1500
"""Characters of a rewritten prompt: it fits into a message beside the old one."""


class Rewriter(WritingModel):
    """Has prompts rewritten by the model of the settings, on the CPU (see `host`)."""

    missing = phrase(
        "Rewriting prompts isn't set up here. The bot's owner can choose a small language model: "
        "`model` in the section `[prompts]` of the settings, such as `Qwen/Qwen3-0.6B` (Apache 2.0 "
        "licence, about 3 GB of RAM while it works)."
    )

    def __init__(self, settings: PromptSettings, download: Download, make_host: MakeHost) -> None:
        """Prepare to rewrite.

        Args:
            settings: Which model, if any.
            download: Downloads the model.
            make_host: Makes what runs it.
        """
        super().__init__(
            "prompt writer", settings.model, settings.threads, download, make_host, sees=False
        )

    async def rewrite(self, kind: Rewriting, prompt: str, seed: int, owner: str) -> str:
        """The prompt, improved or shortened; its flags and LoRAs stay as they are.

        Args:
            kind: What becomes of it.
            prompt: What somebody typed.
            seed: Another one gives another prompt.
            owner: Who asks.

        Raises:
            InvalidRequest: When it has no words or a wrong flag, nothing came out, or there is no
                model.
            LimitReached: When the owner has to wait.
            QueueFull: When too many people wait.
            ModelUnavailable: When the model can't be had or loaded.
        """
        folder = await self.require()
        words, flags = without_flags(prompt)
        adapters = " ".join(match[0] for match in ADAPTER.finditer(words))
        words = " ".join(ADAPTER.sub(" ", words).split())
        if not words:
            raise InvalidRequest(say("There are no words to rewrite. Write what to paint."))
        async with self._turns.admitted(owner) as turn, turn:
            answer: str = await self._host.ask(ANSWER, folder, chat(kind, words), seed)
        rest = " ".join(part for part in (adapters, flags.text) if part)
        written = cleaned(answer, max(100, MAX_LENGTH - len(rest)))
        if not written:
            raise InvalidRequest(say("The model answered nothing useful. Try again."))
        return f"{written} {rest}".strip()
