"""Keras runs on torch here; its backend is chosen before the first import."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"
