"""Makes the maps that pictures are painted along: edges, lines, depth and poses of a picture."""

from engine.diffusion.maps.depth import DepthEstimator
from engine.diffusion.maps.lines import edges, lines
from engine.diffusion.maps.pose import PoseEstimator

__all__ = ["DepthEstimator", "PoseEstimator", "edges", "lines"]
