"""How many tokens a picture becomes."""

CROP_PX = 336
"""Side of a crop, as the vision tower reads it."""
GRID = 12
"""Side, in tokens, of what a crop becomes: 24 x 24 patches of 14 px, of which 2 x 2 neighbours are merged."""


def picture_tokens(rows: int, columns: int, *, grid: int = GRID) -> int:
    """Count the tokens of a picture: its crops' and its global view's, one between them, one for each row's end.

    Args:
        rows: Of crops.
        columns: Of crops.
        grid: Side of a crop in tokens.
    """
    return (rows * columns + 1) * grid**2 + 1 + (rows + 1) * grid
