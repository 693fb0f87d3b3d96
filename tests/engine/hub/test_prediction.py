"""What a file says that its UNet predicts."""

import pytest

from engine.errors import ModelUnavailable
from engine.hub.prediction import Prediction, prediction_of

ARCHITECTURE, TYPE = "modelspec.architecture", "modelspec.prediction_type"
EPSILON = {"prediction_type": "epsilon"}


@pytest.mark.parametrize(
    ("metadata", "own", "options"),
    [
        ({ARCHITECTURE: "stable-diffusion-v2-512"}, "v_prediction", EPSILON),
        ({ARCHITECTURE: "stable-diffusion-xl-v1-base"}, "epsilon", {}),
        ({TYPE: "Epsilon", "ss_v_parameterization": "True"}, "epsilon", EPSILON),
        ({"ss_v_parameterization": "False"}, "v_prediction", EPSILON),
        (
            {"ss_zero_terminal_snr": "True"},
            "v_prediction",
            {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
        ),
    ],
)
def test_metadata_go_by_the_specified_key_first(
    metadata: dict[str, str], own: str, options: dict[str, object]
) -> None:
    assert prediction_of((), metadata, "fox").scheduler_options(own) == options


def test_an_unknown_prediction_is_told_and_none_is_no_option() -> None:
    with pytest.raises(ModelUnavailable, match="predicts “flow”, which isn't known here"):
        prediction_of((), {"modelspec.prediction_type": "flow"}, "fox")
    assert Prediction().scheduler_options("epsilon") == {}
