"""What autocomplete offers for the values of an axis."""

from discord.app_commands import Choice

from cogs.context import Interaction
from cogs.grids.axes import AXIS_KINDS, NONE
from cogs.requests.autocomplete import OptionChoices
from cogs.requests.choices import LONGEST, MOST_CHOICES


async def axis_choices(
    options: OptionChoices, kind: object, interaction: Interaction, current: str
) -> list[Choice[str]]:
    """Values for the last of several with commas between; those before it stay as they are."""
    if kind not in AXIS_KINDS or not isinstance(kind, str):
        return []
    if examples := AXIS_KINDS[kind].examples:
        found = [each for each in examples if each.startswith(current.strip())]
        return [Choice(name=each, value=each) for each in found]
    before, comma, typed = current.rpartition(",")
    before = f"{before.strip()}, " if comma else ""
    found = [each.value for each in await options.option(kind, interaction, typed.strip())]
    if kind == "lora" and NONE.startswith(typed.strip().casefold()):
        found.append(NONE)
    taken = {each.strip() for each in before.split(",")}
    return [
        Choice(name=before + value, value=before + value)
        for value in found
        if len(before + value) <= LONGEST and value not in taken
    ][:MOST_CHOICES]
