"""Pictures and tables of a Spec.

| file | what |
|---|---|
| `diagram.py` | DOT text of the network and of a block (the only place where DOT is made) |
| `layout.py` | DOT -> SVG or PNG, by `graphviz-pure` (pip) or `dot` |
| `summary.py` | torchinfo's layer table as rows |
| `charts.py` | plotly figures |
| `numbers.py` | 5,288,548 -> 5.29 M |
"""
