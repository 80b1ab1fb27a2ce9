"""What a network does with a picture.

| file | what |
|---|---|
| `images.py` | a stranger's bytes -> a checked picture -> the network's input |
| `devices.py` | which device, and what to do when its memory runs out |
| `trace.py` | one forward pass: logits, the gates of every SE block, feature maps |
| `gradcam.py` | class-activation maps from any block |
| `faithfulness.py` | does a heat map point at what the network uses? |
| `edits.py` | changes to gates, as data |
| `profile.py` | gates of many pictures, by group |
"""
