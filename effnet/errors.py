"""The one tree of errors.

Every function of the library that refuses an input raises a subclass of `EffnetError` whose
message is one sentence: what is wrong, and what to do. The command line prints that sentence and
exits with 2; the app shows it in place. Anything else that escapes is a bug.
"""

from __future__ import annotations


class EffnetError(Exception):
    """Base of every refusal. `str(error)` is one sentence, safe to show as plain text."""


class SpecError(EffnetError, ValueError):
    """A network that cannot exist: unknown name, impossible width, depth, resolution or block."""


class ImageError(EffnetError, ValueError):
    """A picture that cannot be read or is beyond the limits."""


class WeightsError(EffnetError):
    """Weights that are missing, damaged or cannot be fetched."""


class CheckpointError(WeightsError, ValueError):
    """A weight file that does not fit: wrong format, names, shapes or values."""


class InspectionError(EffnetError, ValueError):
    """A question about a run that has no answer: no such class, block, channel or edit."""


class DrawingError(EffnetError, RuntimeError):
    """A diagram that could not be laid out."""


class ProfileError(EffnetError, ValueError):
    """A gate profile that cannot be made or opened."""
