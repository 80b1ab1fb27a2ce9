"""The network in torch.

| file | what |
|---|---|
| `blocks.py` | ConvNormAct, SqueezeExcite, MBConv, drop-connect, initialisation |
| `model.py` | EfficientNet(spec), its explicit tap, `forward_from`, private views |
"""
