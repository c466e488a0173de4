"""A campaign while it is carried out, for whoever looks: read from its folder's files alone, joined early or late."""

from assay.watch.follow import Follower, Scene, newest
from assay.watch.lines import Narrator
from assay.watch.nodes import Node, Reading, Series
from assay.watch.screen import screen

__all__ = ["Follower", "Narrator", "Node", "Reading", "Scene", "Series", "newest", "screen"]
