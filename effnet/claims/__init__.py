"""Sentences that are often said about EfficientNet, and what is right, with figures counted live.

Each claim is data: the sentence as it is commonly heard, a verdict, what is right, the source, and
where in the app it can be seen. A figure is never written here: it is a function of the library
that is called when the claim is shown, or it is read from `assets/published.json`.

| file | what |
|---|---|
| `claim.py` | Claim, Figure and the verdicts |
| `squeeze_excitation.py`, `scaling.py`, `blocks.py` | the claims |

Sources in short: *official code* is tensorflow/tpu, models/official/efficientnet; *the paper* is
Tan and Le, arXiv 1905.11946v5.
"""

from __future__ import annotations

from effnet.claims import blocks, scaling, squeeze_excitation
from effnet.claims.claim import VERDICTS, Claim, Figure, Verdict

CLAIMS: tuple[Claim, ...] = (*squeeze_excitation.CLAIMS, *scaling.CLAIMS, *blocks.CLAIMS)
"""All of them, in the order in which the page shows them."""

__all__ = ["CLAIMS", "VERDICTS", "Claim", "Figure", "Verdict"]
