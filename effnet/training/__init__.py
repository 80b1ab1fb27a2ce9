"""How the network in the box was trained: `python -m effnet.training --help`.

| file | what |
|---|---|
| `data.py` | Fashion-MNIST from its four IDX files, and the random shifts and flips |
| `recipe.py` | every number of a training, frozen |
| `loop.py` | the loop: progress, log, resume, accuracy at the end |
| `experiments.py` | the trained network with its gates changed, on all test pictures |
| `measure.py` | both twins and the experiments into `assets` |
| `card.py` | the model card, from the measurements |
"""
