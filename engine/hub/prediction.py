"""What a UNet predicts and how its noise ends, as single files of weights tell.

ComfyUI and A1111 mark files by the empty tensors `v_pred` and `ztsnr`; kohya's scripts, OneTrainer
and ComfyUI write metadata (https://github.com/Stability-AI/ModelSpec).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from engine.errors import ModelUnavailable
from speech import say

EPSILON, V = "epsilon", "v_prediction"
"""The values of `prediction_type` in Diffusers' schedulers."""

WRITTEN: Mapping[str, str] = MappingProxyType(
    {
        "epsilon": EPSILON,
        "eps": EPSILON,
        "v": V,
        "v_prediction": V,
        "v-prediction": V,
        "v_pred": V,
        "vpred": V,
    }
)
"""How the metadata write them, in small letters."""

TYPE_KEYS = ("modelspec.prediction_type", "modelspec.predict_key", "prediction_type")
"""Keys of the metadata, the specified one first; the second is ComfyUI's."""

ARCHITECTURES: Mapping[str, str] = MappingProxyType(
    {"stable-diffusion-v2-512": EPSILON, "stable-diffusion-v2-768-v": V}
)
"""Values of `modelspec.architecture` that imply what is predicted."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a file says of its UNet.

    Attributes:
        type: `prediction_type` of Diffusers; `None` if the file doesn't say.
        zero_snr: Whether it was trained with a last step of pure noise.
    """

    type: str | None = None
    zero_snr: bool = False

    def scheduler_options(self, own_type: str) -> dict[str, Any]:
        """The options to lay over a scheduler that has the prediction type `own_type`.

        With a signal-to-noise ratio of zero the timesteps must include the last one: Lin et al.,
        “Common Diffusion Noise Schedules and Sample Steps are Flawed”, 2023, sections 3.1 to 3.3,
        where a model that predicts the noise can't be trained so.
        """
        options: dict[str, Any] = {} if self.type is None else {"prediction_type": self.type}
        if self.zero_snr and (self.type or own_type) != EPSILON:
            options |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
        return options


def prediction_of(names: Collection[str], metadata: Mapping[str, str], text: str) -> Prediction:
    """What a file says of its UNet.

    Args:
        names: Of its tensors; markers count before metadata.
        metadata: `__metadata__` of its header.
        text: What the file is called.

    Raises:
        ModelUnavailable: It predicts something unknown.
    """
    zero_snr = "ztsnr" in names or metadata.get("ss_zero_terminal_snr", "").lower() == "true"
    if "v_pred" in names:
        return Prediction(V, zero_snr)
    written = next((metadata[key] for key in TYPE_KEYS if metadata.get(key)), None)
    if written is not None:
        if (known := WRITTEN.get(written.strip().lower())) is None:
            raise ModelUnavailable(
                say(
                    "“{source}” says that it predicts “{kind}”, which isn't known here. Models "
                    "that predict “epsilon” or “v” work.",
                    source=text,
                    kind=written,
                )
            )
        return Prediction(known, zero_snr)
    if (parameterization := metadata.get("ss_v_parameterization")) is not None:
        return Prediction(V if parameterization.lower() == "true" else EPSILON, zero_snr)
    return Prediction(ARCHITECTURES.get(metadata.get("modelspec.architecture", "")), zero_snr)
