"""The rows of the table of layers that take pictures."""

from __future__ import annotations

import pellucid as pl
from tests.layer_case import LayerCase
from tests.reference import vision as naive
from tests.reference.vision import Slide

LAYERS = [
    LayerCase("conv2d", lambda: pl.Conv2D(3, 2), (4, 3, 2), naive.conv2d(Slide((2, 2)))),
    LayerCase("conv2d_one_channel", lambda: pl.Conv2D(2, 3, padding=1), (4, 4, 1), naive.conv2d(Slide((3, 3), pad=1))),
    LayerCase(
        "conv2d_many_channels",  # so many that rows of a window are copied in one piece
        lambda: pl.Conv2D(2, (1, 2)),
        (1, 3, 8),
        naive.conv2d(Slide((1, 2))),
    ),
    LayerCase("conv2d_of_single_pixels", lambda: pl.Conv2D(3, 1), (2, 2, 2), naive.conv2d(Slide((1, 1)))),
    LayerCase(
        "conv2d_same", lambda: pl.Conv2D(2, (2, 3), padding="same"), (3, 4, 2), naive.conv2d(Slide((2, 3), pad="same"))
    ),
    LayerCase(
        "conv2d_strided",
        lambda: pl.Conv2D(2, 3, stride=(2, 1), padding="same", bias=False),
        (5, 4, 2),
        naive.conv2d(Slide((3, 3), (2, 1), "same")),
    ),
    LayerCase(
        "conv2d_dilated",
        lambda: pl.Conv2D(2, 2, stride=2, padding=(1, 2), dilation=(2, 3), init="glorot"),
        (4, 4, 2),
        naive.conv2d(Slide((2, 2), (2, 2), (1, 2), (2, 3))),
    ),
    LayerCase(
        "conv2d_groups",
        lambda: pl.Conv2D(4, 2, padding=1, groups=2),
        (3, 2, 6),
        naive.conv2d(Slide((2, 2), pad=1), groups=2),
    ),
    LayerCase("conv2d_depthwise", lambda: pl.Conv2D(3, 2, groups=3), (3, 3, 3), naive.conv2d(Slide((2, 2)), groups=3)),
    LayerCase("conv1d", lambda: pl.Conv1D(3, 2), (5, 2), naive.conv1d(Slide((1, 2)))),
    LayerCase(
        "conv1d_strided",
        lambda: pl.Conv1D(4, 3, stride=2, padding="same", dilation=2, groups=2, bias=False),
        (6, 4),
        naive.conv1d(Slide((1, 3), (1, 2), "same", (1, 2)), groups=2),
    ),
    LayerCase("conv1d_padded", lambda: pl.Conv1D(2, 4, padding=2), (3, 2), naive.conv1d(Slide((1, 4), pad=(0, 2)))),
    LayerCase(
        "deconv2d", lambda: pl.ConvTranspose2D(2, (2, 3)), (3, 2, 3), naive.deconv2d((2, 3), (1, 1), (4, 4), (0, 0))
    ),
    LayerCase(
        "deconv2d_same",
        lambda: pl.ConvTranspose2D(2, 4, stride=2, padding="same"),
        (2, 2, 3),
        naive.deconv2d((4, 4), (2, 2), (4, 4), (1, 1)),
    ),
    LayerCase(
        "deconv2d_strided",
        lambda: pl.ConvTranspose2D(1, 3, stride=(2, 1), padding=1),
        (2, 3, 2),
        naive.deconv2d((3, 3), (2, 1), (3, 3), (1, 1)),
    ),
    LayerCase("max_pool", lambda: pl.MaxPool2D(), (4, 5, 2), naive.max_pool(Slide((2, 2), (2, 2)))),
    LayerCase(
        "max_pool_overlapping",
        lambda: pl.MaxPool2D((3, 2), stride=1),
        (4, 3, 2),
        naive.max_pool(Slide((3, 2))),
    ),
    LayerCase(
        "max_pool_same",
        lambda: pl.MaxPool2D(3, stride=2, padding="same"),
        (4, 3, 2),
        naive.max_pool(Slide((3, 3), (2, 2), "same")),
    ),
    LayerCase("avg_pool", lambda: pl.AvgPool2D(2), (5, 4, 2), naive.avg_pool(Slide((2, 2), (2, 2)))),
    LayerCase(
        "avg_pool_padded",
        lambda: pl.AvgPool2D(3, stride=(2, 1), padding=1),
        (4, 3, 2),
        naive.avg_pool(Slide((3, 3), (2, 1), 1)),
    ),
    LayerCase("global_avg_pool", lambda: pl.GlobalAvgPool2D(), (2, 3, 4), naive.global_avg),
    LayerCase("upsample", lambda: pl.UpSample2D((2, 3)), (2, 2, 2), naive.upsample(2, 3)),
    LayerCase(
        "spatial_dropout",
        lambda: pl.SpatialDropout2D(0.4),
        (2, 2, 3),
        naive.spatial_dropout(0.4),
        rowwise=False,
        training=True,
    ),
]
