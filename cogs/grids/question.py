"""What is asked before a grid is painted."""

from cogs.grids.axes import called
from cogs.messages.text import duration
from cogs.requests.confirmations import pictures, plain
from engine import GridEstimate, GridLayout
from speech import say


def grid_question(layout: GridLayout, estimate: GridEstimate) -> str:
    """Whether to paint a grid, with what it costs."""
    count = pictures(layout.count)
    if estimate.seconds is None:
        asked = say("**A grid of {pictures}.** Paint it?", pictures=count)
    else:
        asked = say(
            "**A grid of {pictures}**, ready in about {time}. Paint it?",
            pictures=count,
            time=duration(estimate.seconds),
        )
    lines = [asked, f"- {plain(estimate.recipes[0].prompt)}"]
    for axis in layout.axes:
        lines.append(f"- {called(axis.title)}: {plain(' · '.join(axis.labels), 300)}")
    if estimate.seconds is None:
        unknown = say("There's no time estimate until something similar has been painted.")
        lines.append(f"-# {unknown}")
    return "\n".join(lines)
