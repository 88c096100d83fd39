"""Measurements of a piece of music (`sound`), of a picture (`pictures`), between two sounds (`pairs`) and between sets (`sets`).

Each quantity has one definition, used by calibration, the node Score Music, `look` and evaluation reports.
`docs/EVALUATION.md` shows how well each agrees with known sounds and with other implementations.
"""
