"""The same network as source code that a person can read, run and take away.

`generate(framework, spec, part, block)` writes an SE block, an MBConv block or the whole network
in PyTorch or Keras 3. Pure text: neither torch nor keras is imported.

| file | what |
|---|---|
| `source.py` | `generate`, and `Source`: the text with the lines that explain each operation |
| `writer.py` | assembles lines, notes and marks |
| `facts.py`, `sentences.py` | numbers and wording of the comments, for both frameworks |
| `openings.py` | how a file begins: docstring, table of costs, table of stages |
| `pytorch.py`, `pytorch_pieces.py`, `pytorch_model.py` | the PyTorch text |
| `keras.py`, `keras_model.py` | the Keras 3 text |
| `commands.py` | `python -m effnet code pytorch b0 --block 4.2` |
"""

from __future__ import annotations

from effnet.codegen.source import FRAMEWORKS, PARTS, Source, generate

__all__ = ["FRAMEWORKS", "PARTS", "Source", "generate"]
