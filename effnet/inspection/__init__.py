"""What a network does with a picture.

| file | what |
|---|---|
| `images.py` | a stranger's bytes -> a checked picture -> the network's input |
| `sniff.py`, `headers/`, `colours.py` | what a file is, how large it says it is, its colours in sRGB |
| `devices.py` | which device, and what to do when its memory runs out |
| `trace.py` | one forward pass: logits, the gates of every SE block, feature maps |
| `gradcam.py` | class-activation maps from any block |
| `faithfulness.py` | does a heat map point at what the network uses? |
| `gates.py` | how open gates are, and how one comes about |
| `edits.py` | changes to gates, as data |
| `profile.py`, `profile_file.py` | gates of many pictures by group, and their Parquet file |
"""
