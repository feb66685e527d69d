"""From the crops of a picture to embeddings of the language model's width."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from transformers import CLIPVisionModel

from finetune.errors import PictureSlotError
from finetune.modeling.config import Phi3VisionConfig
from finetune.picture_tokens import picture_tokens

MERGED = 2
"""Side, in patches, of the square of neighbours that become one token."""


class ClipTower(nn.Module):
    """CLIP's vision tower under its published name; gives the features of the last layer but one."""

    def __init__(self, config: Phi3VisionConfig) -> None:
        super().__init__()
        self.vision_model = CLIPVisionModel._from_config(config.vision_config)

    def forward(self, crops: Tensor) -> Tensor:
        """Encode crops: ``(crop, 3, side, side)`` to ``(crop, patch, width)``, the class token left out."""
        tower = self.vision_model
        hidden: Tensor = tower.pre_layrnorm(tower.embeddings(crops))
        # The features are hidden_states[-2] of the whole tower: its last layer need not run.
        for layer in tower.encoder.layers[:-1]:
            hidden = layer(hidden, attention_mask=None)
        return hidden[:, 1:]


class PictureEmbedding(nn.Module):
    """Crops of pictures to embeddings: CLIP, 2x2 merge, separators, projection.

    The order of a picture's tokens follows `Phi3ImageEmbedding` of the published ``image_embedding_phi3_v.py``
    (``hd_transform_order: sub_glb``): rows of the stitched crops, each closed by ``sub_GN``; ``glb_GN``; rows of the
    global view, each closed by ``sub_GN``. Names of parameters are those of the published checkpoints.
    """

    def __init__(self, config: Phi3VisionConfig) -> None:
        super().__init__()
        vision = config.vision_config
        self.crop_px: int = vision.image_size
        self.grid: int = vision.image_size // vision.patch_size // MERGED
        merged_width = vision.hidden_size * MERGED**2
        self.img_processor = ClipTower(config)
        self.glb_GN = nn.Parameter(torch.zeros(1, 1, merged_width))
        self.sub_GN = nn.Parameter(torch.zeros(1, 1, 1, merged_width))
        self.img_projection = nn.Sequential(
            nn.Linear(merged_width, config.hidden_size),
            nn.GELU(),
            nn.Linear(config.hidden_size, config.hidden_size),
        )

    def token_count(self, height: int, width: int) -> int:
        """Give how many tokens a picture of ``height`` x ``width`` px, padded to whole crops, becomes."""
        return picture_tokens(height // self.crop_px, width // self.crop_px, grid=self.grid)

    def forward(self, pixel_values: Tensor, image_sizes: Tensor) -> list[Tensor]:
        """Embed pictures; only the crops that a picture really has are encoded.

        Args:
            pixel_values: ``(picture, crop, 3, side, side)``: the global view, then crops row by row, then padding.
            image_sizes: ``(picture, 2)``: height and width in px, whole multiples of ``side``.

        Returns:
            For each picture ``(token, hidden)``; see `token_count`.

        Raises:
            PictureSlotError: If sizes and crops do not match.
        """
        sizes = self._checked_sizes(pixel_values, image_sizes)
        real = [pixel_values[k, : 1 + rows * columns] for k, (rows, columns) in enumerate(sizes)]
        features = self._merged(self.img_processor(torch.cat(real).to(self.glb_GN.dtype)))
        parts = [
            self._arranged(part, rows, columns)
            for part, (rows, columns) in zip(
                torch.split(features, [len(part) for part in real]), sizes, strict=True
            )
        ]
        ends = torch.tensor([0, *(len(part) for part in parts)]).cumsum(0).tolist()
        embeddings = self.img_projection(torch.cat(parts))
        return [embeddings[start:stop] for start, stop in pairwise(ends)]

    def _checked_sizes(self, pixel_values: Tensor, image_sizes: Tensor) -> list[tuple[int, int]]:
        side = self.crop_px
        if pixel_values.ndim != 5 or pixel_values.shape[2:] != (3, side, side):
            raise PictureSlotError(
                f"pixel_values has shape {tuple(pixel_values.shape)}; allowed is (picture, crop, 3, {side}, {side})."
            )
        if tuple(image_sizes.shape) != (len(pixel_values), 2):
            raise PictureSlotError(
                f"image_sizes has shape {tuple(image_sizes.shape)}; pixel_values holds {len(pixel_values)} pictures, "
                f"so ({len(pixel_values)}, 2) is allowed: height and width of each."
            )
        sizes = []
        for height, width in image_sizes.tolist():
            rows, columns = height // side, width // side
            if rows < 1 or columns < 1 or height % side or width % side:
                raise PictureSlotError(
                    f"image_sizes holds {height} x {width}; allowed are multiples of {side} px."
                )
            if 1 + rows * columns > pixel_values.shape[1]:
                raise PictureSlotError(
                    f"image_sizes holds {height} x {width} px, a global view and {rows * columns} crops; "
                    f"pixel_values has room for {pixel_values.shape[1]} of both."
                )
            sizes.append((rows, columns))
        return sizes

    def _merged(self, features: Tensor) -> Tensor:
        """Join 2x2 neighbours: ``(crop, patch, width)`` to ``(crop, grid, grid, 4 * width)``."""
        crops, _, width = features.shape
        blocks = features.view(crops, self.grid, MERGED, self.grid, MERGED, width)
        return blocks.transpose(2, 3).reshape(crops, self.grid, self.grid, width * MERGED**2)

    def _arranged(self, views: Tensor, rows: int, columns: int) -> Tensor:
        """Put the tokens of one picture in order: ``(token, 4 * width)``."""
        crops = views[1:].view(rows, columns, *views.shape[1:]).transpose(1, 2)
        stitched = crops.reshape(rows * self.grid, columns * self.grid, views.shape[-1])
        return torch.cat([self._with_row_ends(stitched), self.glb_GN[0], self._with_row_ends(views[0])])

    def _with_row_ends(self, grid: Tensor) -> Tensor:
        ends = self.sub_GN[0].expand(len(grid), 1, -1)
        return torch.cat([grid, ends], dim=1).flatten(0, 1)
