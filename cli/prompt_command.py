"""A command with a prompt, whose flags people write behind the quotes."""

from typing import Any

from typer.core import TyperCommand


class PromptCommand(TyperCommand):
    """Says of an unknown option that is a flag of prompts where it belongs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; the error for a flag like `--ar` says where it belongs."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            name = getattr(error, "option_name", None)
            if isinstance(name, str) and _is_flag(name) and hasattr(error, "message"):
                error.message = (
                    f"{name} is a flag of the prompt. Write it inside the quotes, "
                    f'like "a red house {name} …".'
                )
                error.__dict__["possibilities"] = None
            raise


def _is_flag(name: str) -> bool:
    from engine.prompts.flag_table import ALIASES

    return name.lstrip("-").lower() in ALIASES
