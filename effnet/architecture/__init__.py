"""What an EfficientNet is, as pure Python data: no torch, no numpy.

| file | what |
|---|---|
| `spec.py` | Config, Block, Stage, Spec: frozen, self-checking |
| `scaling.py` | the law in phi, the rounding rules, `scale` and `build` |
| `variants.py` | b0..b8, l2, lite0..lite4, tiny: a line of data each |
| `operations.py` | every operation of a network with shapes and costs |
| `growth.py`, `axes.py` | which phi the released networks imply; one axis scaled alone |
| `rounding.py` | the rounding rules, step by step |
| `compare.py` | two networks side by side |
| `published.py` | figures of papers and model cards, with their sources |
"""
