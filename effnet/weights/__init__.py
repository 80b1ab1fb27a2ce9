"""Weights: what exists, how it is had, whether it is whole, and how it becomes our network.

| file | what |
|---|---|
| `info.py` | WeightsInfo and Preprocessing: what travels with weights |
| `published.py`, `timm.csv` | every published set of weights as data |
| `catalog.py` | looking them up; what has been verified |
| `labels.py` | class names |
| `needs.py` | memory and seconds, told before a network is chosen |
| `layouts.py` | how five libraries name the tensors |
| `candidates.py`, `recognise.py` | names and shapes -> network, or a report |
| `families.py`, `hints.py` | the padding and BN epsilon that names do not tell; preprocessing |
| `keras_names.py`, `wrappers.py` | names as Keras files and training scripts hold them |
| `tensorfile.py` | the safetensors format, read strictly and written whole |
| `loaded.py` | checked tensors -> an EfficientNet |
| `cache.py`, `partial.py`, `store.py` | digests and pins; unfinished files; the one downloader |
| `uploads.py` | a stranger's file |
| `importing.py` | the owner's own `.pth`, `.h5`, `.keras`: the one module that unpickles |
| `load.py` | `effnet.load` |
| `commands.py` | `python -m effnet weights ..` |
"""
