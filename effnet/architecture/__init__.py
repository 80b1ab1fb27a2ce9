"""What an EfficientNet is, as pure Python data: no torch, no numpy.

| file | what |
|---|---|
| `spec.py` | Config, Block, Stage, Spec: frozen, self-checking |
| `scaling.py` | the law in phi, the rounding rules, `scale` and `build` |
| `variants.py` | b0..b8, l2, lite0..lite4, tiny: a line of data each |
| `operations.py` | every operation of a network with shapes and costs |
"""
