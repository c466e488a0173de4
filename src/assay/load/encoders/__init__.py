"""Request bodies, one form of prompt an encoder: token ids, text, chat."""

from assay.load.encoders.body import completion_body
from assay.load.encoders.forms import ENCODERS, Encoder, encoder_of
from assay.load.encoders.prompt import Prompt

__all__ = ["ENCODERS", "Encoder", "Prompt", "completion_body", "encoder_of"]
