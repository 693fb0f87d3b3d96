"""Licences as model cards on the Hub name them, and what they ask of those who publish derivatives.

The identifiers are those of https://huggingface.co/docs/hub/repositories-licenses. The notices are
from the licences: Stability AI Community §IV(a), FLUX.1 [dev] Non-Commercial v1.1 §3, FLUX
Non-Commercial v2.1 §3, Qwen Research §3 and §4, CreativeML OpenRAIL(++)-M §4.
"""

from collections.abc import Mapping
from types import MappingProxyType

from engine.hub.model_card import CardLicence
from engine.models.checkpoints import checkpoint_of

_HUB = "https://huggingface.co"

_LIABILITY = (
    "IN NO EVENT SHALL BLACK FOREST LABS INC. BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER "
    "LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN "
    "CONNECTION WITH USE OF THIS MODEL."
)

_USES = (
    "The restrictions on uses in this licence also apply to this model and what is made from it."
)

FLUX1 = CardLicence(
    identifier="other",
    name="flux-1-dev-non-commercial-license",
    link=f"{_HUB}/black-forest-labs/FLUX.1-dev/blob/main/LICENSE.md",
    notice="The FLUX.1 [dev] Model is licensed by Black Forest Labs Inc. under the FLUX.1 [dev] "
    f"Non-Commercial License. Copyright Black Forest Labs Inc. {_LIABILITY}",
)

LICENCES: Mapping[str, CardLicence] = MappingProxyType(
    {
        "Apache 2.0": CardLicence(identifier="apache-2.0"),
        "MIT": CardLicence(identifier="mit"),
        "CreativeML OpenRAIL-M": CardLicence(identifier="creativeml-openrail-m", notice=_USES),
        "CreativeML OpenRAIL++-M": CardLicence(identifier="openrail++", notice=_USES),
        "Stability AI Community": CardLicence(
            identifier="other",
            name="stabilityai-ai-community",
            link="https://stability.ai/community-license-agreement",
            notice="Powered by Stability AI. This Stability AI Model is licensed under the "
            "Stability AI Community License, Copyright © Stability AI Ltd. All Rights Reserved.",
        ),
        "FLUX Non-Commercial": CardLicence(
            identifier="other",
            name="flux-non-commercial-license",
            link=f"{_HUB}/black-forest-labs/FLUX.2-dev/blob/main/LICENSE.md",
            notice="This FLUX Model is licensed by Black Forest Labs Inc. under the FLUX "
            f"Non-Commercial License. Copyright Black Forest Labs Inc. {_LIABILITY}",
        ),
        "Qwen Research": CardLicence(
            identifier="other",
            name="qwen-research",
            notice="Built with Qwen. Qwen is licensed under the Qwen RESEARCH LICENSE AGREEMENT, "
            "Copyright (c) Alibaba Cloud. All Rights Reserved.",
        ),
        "FLUX Kommunity": CardLicence(identifier="other", name="flux-kommunity-license"),
        "CircleStone Labs Non-Commercial": CardLicence(
            identifier="other", name="circlestone-labs-non-commercial-license"
        ),
        "Krea 2 Community": CardLicence(identifier="other", name="krea-2-community-license"),
        "faipl-1.0-sd": CardLicence(
            identifier="other",
            name="faipl-1.0-sd",
            link="https://freedevproject.org/faipl-1.0-sd/",
        ),
        "Ideogram Non-Commercial": CardLicence(identifier="other", name="ideogram-non-commercial"),
        "NVIDIA NSCL": CardLicence(identifier="other", name="nvidia-nscl"),
    }
)
"""By the names in the table of checkpoints. Without a link, the page of the base has the text."""


def inherited_licence(base: str | None) -> CardLicence | None:
    """The licence of what was trained on that model on the Hub; `None` if it isn't known."""
    checkpoint = checkpoint_of(base) if base else None
    if base is None or checkpoint is None:
        return None
    name = checkpoint.licence.name
    if name == "FLUX Non-Commercial" and base.casefold().startswith("black-forest-labs/flux.1-"):
        return FLUX1
    found = LICENCES.get(name)
    if found is None or found.identifier != "other" or found.link:
        return found
    return CardLicence(
        identifier="other", name=found.name, link=f"{_HUB}/{base}", notice=found.notice
    )
